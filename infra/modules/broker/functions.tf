# The four functions. Their variables are fields of the Settings classes in service/config.py; what
# is not said here keeps the default that it has there. A test compares.

locals {
  # Where the layer with the key of earlier days appears in a function.
  layer_folder = "/opt/broker"

  everywhere = {
    BROKER_TABLE                  = aws_dynamodb_table.this.name
    BROKER_QUEUE_PREFIX           = var.name
    BROKER_SHARDS                 = tostring(var.shards)
    BROKER_WEBHOOK_ALLOW          = join(" ", var.webhook_allow)
    BROKER_ALLOW_DOMAINS          = join(",", var.allow_domains)
    BROKER_ALLOW_ENDPOINT         = tostring(var.allow_endpoint)
    BROKER_CONNECTIONS_PER_MINUTE = tostring(var.connections_per_minute)
    BROKER_DORMANT_SECONDS        = tostring(var.listener.dormant_seconds)
    BROKER_KMS_KEY                = local.data_key_arn
    BROKER_KMS_CONTEXT            = local.data_key_context
    BROKER_KMS_ROTATION_DAYS      = tostring(var.data_keys.rotation_days)
    BROKER_METRICS_NAME           = var.alarms.enabled ? var.name : ""
  }

  in_functions = {
    BROKER_MAX_LINKS = tostring(var.listener.max_links)
  }

  with_layer = { for name, value in { BROKER_DATA_DIR = var.encryption_key_layer_arn } : name => local.layer_folder if value != null }

  # Who starts listeners. Without it a broker takes it that listeners run by themselves.
  starting = {
    BROKER_LISTENER_FUNCTION = "${var.name}-listener"
  }

  listening = {
    BROKER_IDLE_SECONDS = tostring(var.listener.idle_seconds)
  }

  first_key = { for name, value in { BROKER_ADMIN_KEY_REF = var.admin_key_ref } : name => value if value != null }

  environments = {
    api      = merge(local.everywhere, local.in_functions, local.with_layer, local.starting, local.first_key)
    listener = merge(local.everywhere, local.in_functions, local.with_layer, local.listening)
    courier  = merge(local.everywhere, local.in_functions, local.with_layer)
    sweeper  = merge(local.everywhere, local.in_functions, local.with_layer, local.starting)
  }
}

module "api" {
  source = "../function"

  name        = "${var.name}-api"
  handler     = "service.entrypoints.api.handler"
  package     = var.packages.api
  timeout     = 29
  memory      = var.api.memory
  concurrency = var.api.concurrency
  environment = local.environments.api
  statements  = local.needs.api

  architecture             = var.architecture
  layers                   = compact([var.encryption_key_layer_arn])
  tracing                  = var.tracing
  log_retention_days       = var.log_retention_days
  kms_key_arn              = aws_kms_key.this.arn
  permissions_boundary_arn = var.permissions_boundary_arn

  depends_on = [aws_sqs_queue.deliveries, aws_sqs_queue.mailbox]
}

module "listener" {
  source = "../function"

  name         = "${var.name}-listener"
  handler      = "service.entrypoints.listener.handler"
  package      = var.packages.listener
  timeout      = 900
  memory       = var.listener.memory
  concurrency  = var.listener.concurrency
  environment  = local.environments.listener
  statements   = local.needs.listener
  asynchronous = true

  architecture             = var.architecture
  layers                   = compact([var.encryption_key_layer_arn])
  tracing                  = var.tracing
  log_retention_days       = var.log_retention_days
  kms_key_arn              = aws_kms_key.this.arn
  permissions_boundary_arn = var.permissions_boundary_arn

  depends_on = [aws_sqs_queue.deliveries, aws_sqs_queue.mailbox]
}

module "courier" {
  source = "../function"

  name        = "${var.name}-courier"
  handler     = "service.entrypoints.courier.handler"
  package     = var.packages.courier
  timeout     = local.courier_timeout
  memory      = var.courier.memory
  concurrency = var.courier.concurrency
  environment = local.environments.courier
  statements  = local.needs.courier

  architecture             = var.architecture
  layers                   = compact([var.encryption_key_layer_arn])
  tracing                  = var.tracing
  log_retention_days       = var.log_retention_days
  kms_key_arn              = aws_kms_key.this.arn
  permissions_boundary_arn = var.permissions_boundary_arn

  depends_on = [aws_sqs_queue.deliveries, aws_sqs_queue.mailbox]
}

module "sweeper" {
  source = "../function"

  name         = "${var.name}-sweeper"
  handler      = "service.entrypoints.sweeper.handler"
  package      = var.packages.sweeper
  timeout      = 60
  memory       = var.sweeper.memory
  concurrency  = var.sweeper.concurrency
  environment  = local.environments.sweeper
  statements   = local.needs.sweeper
  asynchronous = true

  architecture             = var.architecture
  layers                   = compact([var.encryption_key_layer_arn])
  tracing                  = var.tracing
  log_retention_days       = var.log_retention_days
  kms_key_arn              = aws_kms_key.this.arn
  permissions_boundary_arn = var.permissions_boundary_arn

  depends_on = [aws_sqs_queue.deliveries, aws_sqs_queue.mailbox]
}
