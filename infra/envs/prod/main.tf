# The broker that others depend on.

module "broker" {
  source = "../../modules/broker"

  name          = "broker"
  admin_key_ref = var.admin_key_ref
  domain        = var.domain

  # For 16,000 sessions with a link, if ever there are so many: 64 x 250.
  shards = 64

  packages = {
    for each in ["api", "listener", "courier", "sweeper"] : each => "${path.root}/../../../dist/arm64/${each}.zip"
  }

  listener = { concurrency = 30 }
  courier  = { batches = 20, concurrency = 20 }
  api      = { concurrency = 100 }

  log_retention_days = 90
  alarms             = { topic_arns = var.alarm_topic_arns }
}
