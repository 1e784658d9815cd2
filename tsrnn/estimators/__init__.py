"""The scikit-learn estimators: what a user fits, updates and forecasts with."""
