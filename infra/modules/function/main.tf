# One function with its role and its log. The role may write that log and do what `statements` says.

locals {
  own = [
    {
      sid       = "WriteOwnLog"
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
      condition = null
    },
  ]

  # X-Ray knows no resources to name (service authorization reference, "Actions for AWS X-Ray").
  traces = [
    {
      sid       = "SendTraces"
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
      condition = null
    },
  ]

  statements = concat(local.own, var.tracing ? local.traces : [], var.statements)

  # Not a policy document of the provider: that is unknown while planning, so no test could read it.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for each in local.statements : {
        for name, value in {
          Sid       = each.sid
          Effect    = "Allow"
          Action    = each.actions
          Resource  = each.resources
          Condition = each.condition
        } : name => value if value != null
      }
    ]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "What the function ${var.name} may do"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LambdaRunsIt"
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "lambda.amazonaws.com" }
      },
    ]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "needs"
  role   = aws_iam_role.this.name
  policy = local.policy
}

resource "aws_lambda_function" "this" {
  function_name                  = var.name
  role                           = aws_iam_role.this.arn
  handler                        = var.handler
  runtime                        = "python3.13"
  architectures                  = [var.architecture]
  filename                       = var.package
  source_code_hash               = fileexists(var.package) ? filebase64sha256(var.package) : null
  timeout                        = var.timeout
  memory_size                    = var.memory
  reserved_concurrent_executions = var.concurrency == null ? -1 : var.concurrency
  layers                         = var.layers

  environment {
    variables = var.environment
  }

  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.this.name
    application_log_level = "INFO"
    system_log_level      = "INFO"
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.package)
      error_message = "${var.package} is not there: run `make package` first, or set `packages`."
    }
  }

  # Without its rights an invocation fails at once.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = var.asynchronous ? 1 : 0

  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
