output "url" {
  description = "Where the API is."
  value       = module.broker.url
}

output "table" {
  description = "The table: its name and ARN."
  value       = module.broker.table
}

output "queues" {
  description = "URLs of the queues."
  value       = module.broker.queues
}

output "functions" {
  description = "Names of the functions."
  value       = module.broker.functions
}

output "roles" {
  description = "Names of the functions' roles."
  value       = module.broker.roles
}

output "domain_target" {
  description = "What a DNS alias of the domain points to; null without a domain."
  value       = module.broker.domain_target
}
