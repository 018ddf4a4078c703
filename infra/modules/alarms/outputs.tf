output "names" {
  description = "Names of the alarms."
  value = sort(concat(
    [for each in aws_cloudwatch_metric_alarm.this : each.alarm_name],
    [aws_cloudwatch_metric_alarm.table_throttled.alarm_name],
  ))
}
