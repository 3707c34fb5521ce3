-- What stands before the first migration, for sqlc: see prepare in server.go.
create schema bartizan;
