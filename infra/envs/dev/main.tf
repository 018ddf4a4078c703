# A broker to try things with: small, and easy to destroy.

module "broker" {
  source = "../../modules/broker"

  name          = "broker-dev"
  admin_key_ref = var.admin_key_ref
  shards        = 8

  packages = {
    for each in ["api", "listener", "courier", "sweeper"] : each => "${path.root}/../../../dist/arm64/${each}.zip"
  }

  listener = { concurrency = 4 }

  deletion_protection    = false
  point_in_time_recovery = false
  log_retention_days     = 7
}
