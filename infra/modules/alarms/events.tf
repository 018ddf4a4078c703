# What the log tells is counted by metric filters: the events exist, in lines of JSON, and need no
# code of their own. A test looks for each in the code.

locals {
  namespace = "Broker/${var.name}"

  groups = merge(var.log_groups, { service = coalesce(var.listener_service, "-") })
  sites  = setsubtract(keys(local.groups), var.listener_service == null ? ["service"] : [])

  # By metric: the pattern in the log, and whose log may hold it.
  counted = {
    "breaker-open" = {
      pattern = "{ $.event = \"deployment.closed_to_us\" }"
      sites   = ["api", "listener", "sweeper", "service"]
    }
    "clock-skewed" = {
      pattern = "{ $.event = \"clock.skewed\" }"
      sites   = ["api", "courier", "listener", "service"]
    }
    "courier-failed" = {
      pattern = "{ ($.event = \"courier.failed\") || ($.event = \"courier.cut\") }"
      sites   = ["courier"]
    }
    "hints-refused" = {
      pattern = "{ $.event = \"hints.refused\" }"
      sites   = ["api", "courier", "listener", "sweeper", "service"]
    }
    "listener-deaf" = {
      pattern = "{ $.event = \"listener.deaf\" }"
      sites   = ["listener", "service"]
    }
    "listener-overfull" = {
      pattern = "{ ($.event = \"listener.overfull\") || ($.event = \"listener.links_limited\") }"
      sites   = ["listener", "service"]
    }
    "listener-unsure" = {
      pattern = "{ ($.event = \"listener.leases_unsure\") || ($.event = \"listener.shards_lost\") }"
      sites   = ["listener", "service"]
    }
    "listener-not-started" = {
      pattern = "{ ($.event = \"listener.start_failed\") || ($.event = \"listeners.unknown\") }"
      sites   = ["api", "sweeper"]
    }
    "replaced" = {
      pattern = "{ ($.event = \"session.transition\") && ($.to = \"renewing\") }"
      sites   = ["api", "listener", "sweeper", "service"]
    }
    "sweep-behind" = {
      pattern = "{ $.event = \"sweep.behind\" }"
      sites   = ["sweeper"]
    }
    "sweep-failed" = {
      pattern = "{ ($.event = \"sweep.failed\") || ($.event = \"sweep.visit_failed\") || ($.event = \"sweep.notices_failed\") }"
      sites   = ["sweeper"]
    }
    "webhooks-disabled" = {
      pattern = "{ $.event = \"endpoint.disabled\" }"
      sites   = ["courier"]
    }
    "webhooks-down" = {
      pattern = "{ $.event = \"endpoint.down\" }"
      sites   = ["courier"]
    }
    "deliveries-skipped" = {
      pattern = "{ $.event = \"delivery.skipped\" }"
      sites   = ["courier"]
    }
  }

  filters = merge([
    for metric, each in local.counted : {
      for site in setintersection(each.sites, local.sites) :
      "${metric}/${site}" => { metric = metric, pattern = each.pattern, group = local.groups[site] }
    }
  ]...)
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.filters

  name           = "${var.name}-${each.value.metric}"
  log_group_name = each.value.group
  pattern        = each.value.pattern

  metric_transformation {
    name          = each.value.metric
    namespace     = local.namespace
    value         = "1"
    default_value = "0"
  }
}
