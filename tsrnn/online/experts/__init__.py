"""Simple forecasts beside a recurrent one, and their aggregation."""
