output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "invoke_arn" {
  description = "ARN by which API Gateway calls it."
  value       = aws_lambda_function.this.invoke_arn
}

output "role_name" {
  description = "Name of the role, for what an account wants to attach to it."
  value       = aws_iam_role.this.name
}

output "policy" {
  description = "What the role may do, as JSON."
  value       = local.policy
}

output "log_group" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}
