output "url" {
  description = "Where the API is."
  value       = var.domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain.name}"
}

output "domain_target" {
  description = "What a DNS alias of the domain points to, with its hosted zone; null without a domain."
  value = var.domain == null ? null : {
    name    = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
    zone_id = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].hosted_zone_id
  }
}

output "api_id" {
  description = "Id of the HTTP API."
  value       = aws_apigatewayv2_api.this.id
}

output "table" {
  description = "The table: its name and ARN."
  value       = { name = aws_dynamodb_table.this.name, arn = aws_dynamodb_table.this.arn }
}

output "queues" {
  description = "The queues of deliveries and of its dead letters, and the mailboxes by shard: their URLs."
  value = {
    deliveries      = aws_sqs_queue.deliveries.url
    deliveries_dead = aws_sqs_queue.deliveries_dead.url
    mailboxes       = aws_sqs_queue.mailbox[*].url
  }
}

output "functions" {
  description = "Names of the functions."
  value = {
    api      = module.api.name
    listener = module.listener.name
    courier  = module.courier.name
    sweeper  = module.sweeper.name
  }
}

output "roles" {
  description = "Names of the functions' roles, for what an account wants to attach to them."
  value = {
    api      = module.api.role_name
    listener = module.listener.role_name
    courier  = module.courier.role_name
    sweeper  = module.sweeper.role_name
  }
}

output "policies" {
  description = "What each function may do, as JSON."
  value = {
    api      = module.api.policy
    listener = module.listener.policy
    courier  = module.courier.policy
    sweeper  = module.sweeper.policy
  }
}

output "logs" {
  description = "Names of the log groups: of the functions, and of requests to the API."
  value = {
    api      = module.api.log_group
    listener = module.listener.log_group
    courier  = module.courier.log_group
    sweeper  = module.sweeper.log_group
    access   = aws_cloudwatch_log_group.access.name
  }
}

output "kms_key_arn" {
  description = "Key of table and logs."
  value       = aws_kms_key.this.arn
}

output "alarms" {
  description = "Names of the alarms."
  value       = one(module.alarms[*].names)
}
