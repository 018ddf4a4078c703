mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made-up" }
  }
}

run "a_package_that_nobody_built" {
  command = plan

  variables {
    name               = "broker-api"
    handler            = "service.entrypoints.api.handler"
    package            = "dist/none.zip"
    architecture       = "arm64"
    timeout            = 29
    memory             = 512
    concurrency        = null
    environment        = {}
    layers             = []
    statements         = []
    tracing            = true
    log_retention_days = 30
    kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/1"
  }

  expect_failures = [aws_lambda_function.this]
}
