-- name: Usage :many
select * from bartizan.usage where month >= @from_month and month <= @to_month order by month, system_id, endpoint, model, stage, currency;
