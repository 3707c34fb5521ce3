package postgres

// annThreshold is the number of vectors up to which exact search is better
// than an approximate index.
const annThreshold = 50_000
