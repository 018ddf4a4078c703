# HTTP in front of the API. The function itself knows who may do what, so there is one route.

resource "aws_apigatewayv2_api" "this" {
  name                         = var.name
  description                  = "REST API of the broker ${var.name}"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.domain != null
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = module.api.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "all" {
  api_id    = aws_apigatewayv2_api.this.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.api.id}"
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = var.api.requests_per_second
    throttling_burst_limit   = var.api.burst
    detailed_metrics_enabled = true
  }

  # Nothing of query, headers or bodies: keys and what people say would be in there.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      requestId    = "$context.requestId"
      time         = "$context.requestTime"
      ip           = "$context.identity.sourceIp"
      method       = "$context.httpMethod"
      path         = "$context.path"
      status       = "$context.status"
      bytes        = "$context.responseLength"
      latency      = "$context.responseLatency"
      functionTook = "$context.integrationLatency"
      error        = "$context.integrationErrorMessage"
    })
  }
}

# Logs that AWS delivers are let in by one policy of the account, which has room for few groups; all
# under this prefix count as one (CloudWatch Logs user guide, "Enable logging from AWS services").
resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/vendedlogs/apis/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_lambda_permission" "api" {
  statement_id  = "ApiGatewayOfThisBroker"
  action        = "lambda:InvokeFunction"
  function_name = module.api.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/$default"
}

resource "aws_apigatewayv2_domain_name" "this" {
  count = var.domain == null ? 0 : 1

  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }

  lifecycle {
    precondition {
      condition     = try(split(":", var.domain.certificate_arn)[3], "") == local.region
      error_message = "The certificate of ${var.domain.name} is to be in ${local.region}, where the API is: an HTTP API takes no other."
    }
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  count = var.domain == null ? 0 : 1

  api_id      = aws_apigatewayv2_api.this.id
  domain_name = aws_apigatewayv2_domain_name.this[0].id
  stage       = aws_apigatewayv2_stage.this.id
}
