module "alarms" {
  source = "../alarms"
  count  = var.alarms.enabled ? 1 : 0

  name            = var.name
  api_id          = aws_apigatewayv2_api.this.id
  table           = aws_dynamodb_table.this.name
  indexes         = sort([for each in aws_dynamodb_table.this.global_secondary_index : each.name])
  deliveries      = aws_sqs_queue.deliveries.name
  deliveries_dead = aws_sqs_queue.deliveries_dead.name
  functions       = { api = module.api.name, listener = module.listener.name, courier = module.courier.name, sweeper = module.sweeper.name }
  listeners       = var.listener_service == null ? var.listener.concurrency : null
  topic_arns      = var.alarms.topic_arns
  api_errors      = var.alarms.api_errors
  replacements    = var.alarms.replacements
  dashboard       = var.alarms.dashboard
}

module "listener_service" {
  source = "../listener_service"
  count  = var.listener_service == null ? 0 : 1

  name                     = "${var.name}-listener-service"
  service                  = var.listener_service
  architecture             = var.architecture
  environment              = local.everywhere
  statements               = local.needs.listener
  log_retention_days       = var.log_retention_days
  kms_key_arn              = aws_kms_key.this.arn
  permissions_boundary_arn = var.permissions_boundary_arn
}
