# Read from top to bottom: is anything wrong, do callers get answers, do agents reach us, do
# receivers get events, and what does it cost.

data "aws_region" "current" {}

locals {
  widgets = [
    {
      title = "Requests and 5xx"
      metrics = [
        ["AWS/ApiGateway", "Count", "ApiId", var.api_id],
        ["AWS/ApiGateway", "4xx", "ApiId", var.api_id],
        ["AWS/ApiGateway", "5xx", "ApiId", var.api_id],
      ]
    },
    {
      title   = "Answers of the API, 99th percentile, ms"
      stat    = "p99"
      metrics = [["AWS/ApiGateway", "Latency", "ApiId", var.api_id]]
    },
    {
      title   = "At a time"
      stat    = "Maximum"
      metrics = [for site, function in var.functions : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", function]]
    },
    {
      title = "Failed and throttled invocations"
      metrics = concat(
        [for site, function in var.functions : ["AWS/Lambda", "Errors", "FunctionName", function]],
        [for site, function in var.functions : ["AWS/Lambda", "Throttles", "FunctionName", function]],
      )
    },
    {
      title   = "Guest sessions replaced, breakers opened, listeners overfull or unsure"
      metrics = [for each in ["sessions-replaced", "breaker-open", "listener-overfull", "listener-unsure", "listener-not-started"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title   = "From an agent's words to our log, and from a send to the wire, 99th percentile, s"
      stat    = "p99"
      metrics = [for each in ["heard-seconds", "written-seconds"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title   = "From the log to the first POST, and what receivers take, 99th percentile, s"
      stat    = "p99"
      metrics = [for each in ["delivery-first-seconds", "receiver-seconds"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title   = "Deliveries by outcome"
      metrics = [for each in ["deliveries-done", "deliveries-failed", "deliveries-skipped"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title   = "Oldest event that waits for us, s"
      stat    = "Maximum"
      metrics = [[local.namespace, "oldest-undelivered", "broker", var.name]]
    },
    {
      title   = "Listeners, links, and shards with live sessions and no owner"
      stat    = "Maximum"
      metrics = [for each in ["listeners-at-work", "links-held", "shards-unowned"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title   = "Links that ended or broke, and slots whose connections were used up"
      metrics = [for each in ["links-ended", "links-lost", "connections-spent"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title   = "Sweeps behind and failed"
      metrics = [for each in ["sweep-behind", "sweep-failed"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title = "Hints of deliveries: waiting, delayed, at work"
      stat  = "Maximum"
      metrics = [
        for each in ["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"] :
        ["AWS/SQS", each, "QueueName", var.deliveries]
      ]
    },
    {
      title = "Age of the oldest hint, s, and dead letters"
      stat  = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.deliveries],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.deliveries_dead],
      ]
    },
    {
      title   = "Webhooks down and disabled; couriers that failed"
      metrics = [for each in ["webhooks-down", "webhooks-disabled", "courier-failed"] : [local.namespace, each, "broker", var.name]]
    },
    {
      title = "Table: units and throttles, those of its indexes too"
      metrics = concat(
        [for each in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"] : ["AWS/DynamoDB", each, "TableName", var.table]],
        [for each in values(local.throttled) : concat(["AWS/DynamoDB", each.metric], flatten([for name, value in each.dimensions : [name, value]]))],
      )
    },
  ]

  alarm_arns = concat(
    [for each in aws_cloudwatch_metric_alarm.this : each.arn],
    [aws_cloudwatch_metric_alarm.table_throttled.arn],
  )

  body = {
    widgets = concat(
      [
        {
          type       = "alarm"
          x          = 0
          y          = 0
          width      = 24
          height     = 4
          properties = { title = "Alarms", alarms = local.alarm_arns }
        },
      ],
      [
        for at, each in local.widgets : {
          type   = "metric"
          x      = at % 2 * 12
          y      = 4 + floor(at / 2) * 6
          width  = 12
          height = 6
          properties = {
            title   = each.title
            region  = data.aws_region.current.name
            view    = "timeSeries"
            period  = 60
            stat    = try(each.stat, "Sum")
            metrics = each.metrics
          }
        }
      ],
    )
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard ? 1 : 0

  dashboard_name = var.name
  dashboard_body = jsonencode(local.body)
}
