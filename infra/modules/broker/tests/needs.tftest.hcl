# What a plan holds, without AWS: a made-up provider, real policies (they are written as JSON).

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made-up" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:made-up" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:made-up", url = "https://sqs.eu-central-1.amazonaws.com/123456789012/made-up" }
  }
  mock_resource "aws_lambda_function" {
    defaults = {
      arn        = "arn:aws:lambda:eu-central-1:123456789012:function:made-up"
      invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:made-up/invocations"
    }
  }
  mock_resource "aws_apigatewayv2_api" {
    defaults = { execution_arn = "arn:aws:execute-api:eu-central-1:123456789012:abcdef", api_endpoint = "https://abcdef.execute-api.eu-central-1.amazonaws.com" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/made-up:1" }
  }
}

variables {
  name   = "broker-test"
  shards = 2

  # Any file will do: nothing is sent anywhere.
  packages = { api = "main.tf", listener = "main.tf", courier = "main.tf", sweeper = "main.tf" }
}

run "the_whole" {
  command = apply

  assert {
    condition = alltrue(flatten([
      for policy in values(output.policies) : [
        for each in jsondecode(policy).Statement : each.Sid == "SendTraces" || !contains(each.Resource, "*")
      ]
    ]))
    error_message = "A role may do something to everything, though a name is possible."
  }

  assert {
    condition = alltrue(flatten([
      for policy in values(output.policies) : [
        for each in jsondecode(policy).Statement : [for action in each.Action : !endswith(action, ":*")]
      ]
    ]))
    error_message = "A role may do everything of a service."
  }

  assert {
    condition = alltrue([
      for policy in values(output.policies) :
      length(distinct([for each in jsondecode(policy).Statement : each.Sid])) == length(jsondecode(policy).Statement)
    ])
    error_message = "Two statements of a role have one name."
  }

  assert {
    condition     = alltrue([for policy in values(output.policies) : length(policy) < 10240])
    error_message = "IAM takes 10,240 characters of a role's own policies."
  }

  assert {
    condition = {
      for name, policy in output.policies : name => contains(flatten([for each in jsondecode(policy).Statement : each.Action]), "lambda:InvokeFunction")
    } == { api = true, listener = false, courier = false, sweeper = true }
    error_message = "Requests and the sweeper start listeners, and nobody else: a listener that starts another is stopped by Lambda."
  }

  assert {
    condition = alltrue([
      for policy in values(output.policies) : alltrue([
        for each in jsondecode(policy).Statement :
        each.Resource == [output.kms_key_arn] && each.Condition == { StringEquals = { "kms:EncryptionContext:broker" = "broker-test" } }
        if contains(["MakeDataKeys", "OpenDataKeys"], each.Sid)
      ])
    ])
    error_message = "A role may make or open data keys of another broker."
  }

  assert {
    condition = alltrue(flatten([
      for policy in values(output.policies) : [
        for each in jsondecode(policy).Statement : [for action in each.Action : !startswith(action, "secretsmanager:") && !startswith(action, "ssm:")]
      ]
    ]))
    error_message = "A role may read a secret that nobody named."
  }

  assert {
    condition     = !contains(keys(local.environments.api), "BROKER_DATA_DIR")
    error_message = "A broker that begins with data keys needs no layer."
  }

  assert {
    condition     = length(aws_sqs_queue.mailbox) == 2 && aws_sqs_queue.mailbox[1].name == "broker-test-mailbox-1"
    error_message = "Each shard has a mailbox that is named by its number."
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled && aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "What is not said is safe."
  }

  assert {
    condition     = output.url == "https://abcdef.execute-api.eu-central-1.amazonaws.com"
    error_message = "Without a domain the API has the name that API Gateway gave it."
  }

  assert {
    condition     = length(output.alarms) == 28
    error_message = "${length(output.alarms)} alarms: change the number here and docs/operations.md together."
  }
}

run "shards_stay" {
  command = plan

  variables {
    shards = 3
  }

  expect_failures = [aws_dynamodb_table.this]
}

run "with_everything" {
  command = plan

  variables {
    domain        = { name = "broker.example.com", certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1" }
    webhook_allow = ["10.20.0.0/16"]
    data_keys = {
      kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/own"
      former_kms_key_arns = ["arn:aws:kms:eu-central-1:123456789012:key/former"]
    }
    encryption_key_layer_arn = "arn:aws:lambda:eu-central-1:123456789012:layer:broker-key:1"
    admin_key_ref            = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:broker/admin-abcdef#key"
    admin_key_kms_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
    listener_service = {
      image                     = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/broker:1"
      cluster_arn               = "arn:aws:ecs:eu-central-1:123456789012:cluster/main"
      subnet_ids                = ["subnet-1", "subnet-2"]
      security_group_ids        = ["sg-1"]
      encryption_key_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-abcdef"
    }
  }

  assert {
    condition     = [for each in jsondecode(output.policies.api).Statement : each.Resource if each.Sid == "ReadFirstKey"] == [["arn:aws:secretsmanager:eu-central-1:123456789012:secret:broker/admin-abcdef"]]
    error_message = "The API may read the one secret that holds its first key, whichever member of it that is."
  }

  assert {
    condition = {
      for name, policy in output.policies : name => length([for each in jsondecode(policy).Statement : each if contains(["ReadFirstKey", "OpenFirstKey"], each.Sid)])
    } == { api = 2, listener = 0, courier = 0, sweeper = 0 }
    error_message = "Only the API needs the first key."
  }

  assert {
    condition = [for each in jsondecode(output.policies.courier).Statement : each.Resource if contains(["MakeDataKeys", "OpenDataKeys"], each.Sid)] == [
      ["arn:aws:kms:eu-central-1:123456789012:key/own"],
      [
        "arn:aws:kms:eu-central-1:123456789012:key/own",
        "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555",
        "arn:aws:kms:eu-central-1:123456789012:key/former",
      ],
    ]
    error_message = "New data keys are made with the key that was said, old ones may have been with the module's or another."
  }

  assert {
    condition     = output.url == "https://broker.example.com" && aws_apigatewayv2_api.this.disable_execute_api_endpoint
    error_message = "With a domain API Gateway's own name is off."
  }
}

run "bare" {
  command = plan

  variables {
    admin_key_ref = "ssm:/broker/admin-key"
    listener_service = {
      image              = "broker:1"
      cluster_arn        = "arn:aws:ecs:eu-central-1:123456789012:cluster/main"
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
    }
    alarms  = { enabled = false }
    tracing = false
  }

  assert {
    condition     = output.alarms == null
    error_message = "Alarms can be left out."
  }

  assert {
    condition     = [for each in local.first_key_needs : each.resources] == [["arn:aws:ssm:eu-central-1:123456789012:parameter/broker/admin-key"]]
    error_message = "A parameter of Systems Manager may hold the first key too."
  }
}
