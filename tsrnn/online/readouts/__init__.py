"""Linear readouts learnt by recursive least squares."""
