//! Special functions, optimiser, order statistics and interval estimates. Private: callers use the verbs.
