# Each alarm has a section of its name in docs/operations.md that says what to do. A test compares.
#
# `at` is the least value that counts, in `of` minutes of which `in` must have it.

# Metrics of our own are in the log: METRICS in service/observability.py says which. A test compares
# that too.

locals {
  namespace = "Broker"

  own      = { namespace = local.namespace, dimensions = { broker = var.name }, statistic = "Sum", missing = "notBreaching" }
  measured = merge(local.own, { statistic = "Maximum" })

  queues = { namespace = "AWS/SQS", statistic = "Maximum", missing = "notBreaching" }

  alarms = {
    "deliveries-old" = merge(local.queues, {
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = var.deliveries }
      # A hint may have been sent with a delay of up to 15 minutes, so it is old only after that.
      at   = 1200
      in   = 5
      of   = 5
      says = "Couriers do not keep up, or do not run: a hint of work that is due has waited for 20 minutes."
    })
    "deliveries-dead" = merge(local.queues, {
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = var.deliveries_dead }
      at         = 1
      in         = 1
      of         = 1
      says       = "Hints came back five times: the table did not answer couriers for long."
    })
    "events-undelivered" = merge(local.measured, {
      metric = "oldest-undelivered"
      at     = 600
      in     = 3
      of     = 5
      says   = "An event has waited for ten minutes, and not for its receiver: couriers do not run, or do not keep up."
    })
    "courier-failed" = merge(local.own, {
      metric = "courier-failed"
      at     = 1
      in     = 3
      of     = 5
      says   = "Couriers fail at lanes, or do not end them in time."
    })
    "sweeper-silent" = {
      namespace  = "AWS/Lambda"
      metric     = "Invocations"
      dimensions = { FunctionName = var.functions.sweeper }
      statistic  = "Sum"
      missing    = "breaching"
      below      = 1
      in         = 5
      of         = 5
      says       = "Nobody sweeps: what a crash left is not taken up, and no listener is started but by requests."
    }
    "sweep-behind" = merge(local.own, {
      metric = "sweep-behind"
      at     = 1
      in     = 5
      of     = 10
      says   = "Sweeps do not get through what is due."
    })
    "sweep-failed" = merge(local.own, {
      metric = "sweep-failed"
      at     = 1
      in     = 5
      of     = 10
      says   = "Sweeps fail, whole or at single sessions."
    })
    "listener-not-started" = merge(local.own, {
      metric = "listener-not-started"
      at     = 1
      in     = 3
      of     = 5
      says   = "Listeners are missing and cannot be started: what agents say is heard only when callers send."
    })
    "shards-unowned" = merge(local.measured, {
      metric = "shards-unowned"
      at     = 1
      in     = 5
      of     = 5
      says   = "Live sessions have no listener: what agents say is heard only when callers send."
    })
    "listener-budget" = merge(local.measured, {
      metric = "listeners-at-work"
      # A successor overlaps with each for a minute of fourteen.
      at   = ceil(0.8 * coalesce(var.listeners, 1))
      in   = 10
      of   = 15
      when = var.listeners != null
      says = "Four fifths of the listeners that there may be are at work: soon no more links can be held."
    })
    "connections-spent" = merge(local.own, {
      metric = "connections-spent"
      at     = 1
      in     = 10
      of     = 15
      says   = "Sessions wait for connections: a deployment's are used up in most minutes."
    })
    "listener-overfull" = merge(local.own, {
      metric = "listener-overfull"
      at     = 1
      in     = 1
      of     = 1
      says   = "A listener has more sessions than links: the least active ones are only looked at now and then."
    })
    "listener-unsure" = merge(local.own, {
      metric = "listener-unsure"
      at     = 1
      in     = 1
      of     = 1
      says   = "A listener could not renew its leases, or lost them: its links were closed and open elsewhere."
    })
    "listener-deaf" = merge(local.own, {
      metric = "listener-deaf"
      at     = 1
      in     = 3
      of     = 5
      says   = "Listeners cannot read their mailboxes: messages wait for the next sweep."
    })
    "hints-refused" = merge(local.own, {
      metric = "hints-refused"
      at     = 1
      in     = 1
      of     = 1
      says   = "SQS refuses a queue: it is missing, or the role may not use it."
    })
    "breaker-open" = merge(local.own, {
      metric = "breaker-open"
      at     = 1
      in     = 1
      of     = 1
      says   = "Five connections in a row failed: nobody connects to that deployment but for single tries."
    })
    "replacements" = merge(local.own, {
      metric  = "sessions-replaced"
      at      = var.replacements
      seconds = 300
      in      = 1
      of      = 1
      says    = "Genesys drops guest sessions: many were replaced in five minutes."
    })
    "clock-skewed" = merge(local.own, {
      metric = "clock-skewed"
      at     = 1
      in     = 1
      of     = 1
      says   = "A process has a clock that most receivers disagree with: signatures will be refused."
    })
    "api-5xx" = {
      namespace  = "AWS/ApiGateway"
      metric     = "5xx"
      dimensions = { ApiId = var.api_id }
      statistic  = "Sum"
      missing    = "notBreaching"
      at         = var.api_errors
      seconds    = 300
      in         = 1
      of         = 1
      says       = "The API answers with 5xx."
    }
  }

  # The same of each function.
  alarms_of_functions = merge([
    for site, function in var.functions : {
      "${site}-errors" = {
        namespace  = "AWS/Lambda"
        metric     = "Errors"
        dimensions = { FunctionName = function }
        statistic  = "Sum"
        missing    = "notBreaching"
        at         = 1
        in         = 3
        of         = 5
        says       = "Invocations of the ${site} fail: a fault of the settings, a table that is away, or a defect."
      }
      "${site}-throttled" = {
        namespace  = "AWS/Lambda"
        metric     = "Throttles"
        dimensions = { FunctionName = function }
        statistic  = "Sum"
        missing    = "notBreaching"
        at         = 1
        in         = 3
        of         = 5
        says       = "The ${site} is called more often at a time than its concurrency or the account's allows."
      }
    }
  ]...)

  all = { for name, each in merge(local.alarms, local.alarms_of_functions) : name => each if try(each.when, true) }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.all

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.says} What to do: docs/operations.md, ${each.key}."
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = try(each.value.seconds, 60)
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanOrEqualToThreshold"
  threshold           = try(each.value.below, each.value.at)
  evaluation_periods  = each.value.of
  datapoints_to_alarm = each.value.in
  treat_missing_data  = each.value.missing
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns
}

# Throttles of the table, and of its indexes, which count for themselves under a dimension more. An
# alarm adds up at most ten metrics: there is room for four indexes.
locals {
  throttled = merge([
    for kind in ["Read", "Write"] : merge(
      { "table_${lower(kind)}s" = { metric = "${kind}ThrottleEvents", dimensions = { TableName = var.table } } },
      {
        for index in var.indexes :
        "${index}_${lower(kind)}s" => { metric = "${kind}ThrottleEvents", dimensions = { TableName = var.table, GlobalSecondaryIndexName = index } }
      },
    )
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "table_throttled" {
  alarm_name          = "${var.name}-table-throttled"
  alarm_description   = "DynamoDB refuses requests: a partition of the table or of an index is hot, or the account's limit is reached. What to do: docs/operations.md, table-throttled."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns

  metric_query {
    id          = "throttled"
    label       = "Throttled requests"
    expression  = join(" + ", [for id in sort(keys(local.throttled)) : "FILL(${id}, 0)"])
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.throttled

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/DynamoDB"
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        period      = 60
        stat        = "Sum"
      }
    }
  }
}
