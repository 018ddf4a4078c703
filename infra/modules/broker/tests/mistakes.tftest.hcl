# Mistakes that a plan refuses, each with a sentence.

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
}

variables {
  name     = "broker-test"
  shards   = 2
  packages = { api = "main.tf", listener = "main.tf", courier = "main.tf", sweeper = "main.tf" }
}

run "a_name_that_queues_cannot_have" {
  command = plan
  variables {
    name = "Broker.Test"
  }
  expect_failures = [var.name]
}

run "a_layer_without_its_version" {
  command = plan
  variables {
    encryption_key_layer_arn = "arn:aws:lambda:eu-central-1:123456789012:layer:broker-key"
  }
  expect_failures = [var.encryption_key_layer_arn]
}

run "a_key_itself_instead_of_its_name" {
  command = plan
  variables {
    admin_key_ref = "gsb_admin_key_of_this_broker"
  }
  expect_failures = [var.admin_key_ref]
}

run "a_key_of_a_secret_that_is_not_named" {
  command = plan
  variables {
    admin_key_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }
  expect_failures = [var.admin_key_kms_key_arn]
}

run "an_alias_that_rights_cannot_name" {
  command = plan
  variables {
    data_keys = { kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:alias/secrets" }
  }
  expect_failures = [var.data_keys]
}

run "a_new_data_key_every_day" {
  command = plan
  variables {
    data_keys = { rotation_days = 1 }
  }
  expect_failures = [var.data_keys]
}

run "no_shard" {
  command = plan
  variables {
    shards = 0
  }
  expect_failures = [var.shards]
}

run "a_listener_without_a_successor" {
  command = plan
  variables {
    listener = { concurrency = 1 }
  }
  expect_failures = [var.listener]
}

run "more_links_than_descriptors" {
  command = plan
  variables {
    listener = { max_links = 900 }
  }
  expect_failures = [var.listener]
}

run "fewer_couriers_than_batches" {
  command = plan
  variables {
    courier = { batches = 10, concurrency = 5 }
  }
  expect_failures = [var.courier]
}

run "a_network_that_is_none" {
  command = plan
  variables {
    webhook_allow = ["10.0.0.0"]
  }
  expect_failures = [var.webhook_allow]
}

run "a_domain_that_is_all_of_them" {
  command = plan
  variables {
    allow_domains = ["example.com", "*.com"]
  }
  expect_failures = [var.allow_domains]
}

run "the_cloud_s_metadata" {
  command = plan
  variables {
    webhook_allow = ["169.254.169.254/32"]
  }
  expect_failures = [var.webhook_allow]
}

run "a_certificate_of_elsewhere" {
  command = plan
  variables {
    domain = { name = "broker.example.com", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1" }
  }
  expect_failures = [aws_apigatewayv2_domain_name.this]
}

run "one_task_alone" {
  command = plan
  variables {
    listener_service = {
      image              = "broker:1"
      cluster_arn        = "arn:aws:ecs:eu-central-1:123456789012:cluster/main"
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
      count              = 1
    }
  }
  expect_failures = [var.listener_service]
}

run "days_that_no_log_is_kept" {
  command = plan
  variables {
    log_retention_days = 45
  }
  expect_failures = [var.log_retention_days]
}

run "an_address_instead_of_a_network" {
  command = plan
  variables {
    webhook_allow = ["10.20.0.1/16"]
  }
  expect_failures = [var.webhook_allow]
}

run "a_network_in_capitals" {
  command = plan
  variables {
    webhook_allow = ["FE80::/10"]
  }
  expect_failures = [var.webhook_allow]
}

run "link_local" {
  command = plan
  variables {
    webhook_allow = ["fe80::/10"]
  }
  expect_failures = [var.webhook_allow]
}

run "the_cloud_s_metadata_of_another_kind" {
  command = plan
  variables {
    webhook_allow = ["fd00:ec2::254/128"]
  }
  expect_failures = [var.webhook_allow]
}

run "the_metadata_as_ipv6_spells_it" {
  command = plan
  variables {
    webhook_allow = ["::ffff:169.254.0.0/112"]
  }
  expect_failures = [var.webhook_allow]
}

run "a_network_that_holds_loopback" {
  command = plan
  variables {
    webhook_allow = ["126.0.0.0/7"]
  }
  expect_failures = [var.webhook_allow]
}

run "a_network_that_holds_the_metadata" {
  command = plan
  variables {
    webhook_allow = ["169.0.0.0/8"]
  }
  expect_failures = [var.webhook_allow]
}

run "every_network" {
  command = plan
  variables {
    webhook_allow = ["0.0.0.0/0"]
  }
  expect_failures = [var.webhook_allow]
}

run "every_network_of_ipv6" {
  command = plan
  variables {
    webhook_allow = ["::/0"]
  }
  expect_failures = [var.webhook_allow]
}

run "half_a_link" {
  command = plan
  variables {
    listener = { max_links = 1.5 }
  }
  expect_failures = [var.listener]
}

run "half_a_connection" {
  command = plan
  variables {
    connections_per_minute = 150.5
  }
  expect_failures = [var.connections_per_minute]
}

run "an_api_that_is_off" {
  command = plan
  variables {
    api = { concurrency = 0 }
  }
  expect_failures = [var.api]
}

run "memory_that_lambda_does_not_have" {
  command = plan
  variables {
    api = { memory = 64 }
  }
  expect_failures = [var.api]
}

run "a_sweeper_that_is_off" {
  command = plan
  variables {
    sweeper = { concurrency = 0 }
  }
  expect_failures = [var.sweeper]
}

run "couriers_that_are_off" {
  command = plan
  variables {
    courier = { concurrency = 0 }
  }
  expect_failures = [var.courier]
}

run "an_alarm_that_never_ends" {
  command = plan
  variables {
    alarms = { replacements = 0 }
  }
  expect_failures = [var.alarms]
}

run "a_5xx_alarm_that_never_ends" {
  command = plan
  variables {
    alarms = { api_errors = 0 }
  }
  expect_failures = [var.alarms]
}

run "a_secret_without_its_suffix" {
  command = plan
  variables {
    admin_key_ref = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:broker/admin"
  }
  expect_failures = [var.admin_key_ref]
}

run "more_links_than_a_task_holds" {
  command = plan
  variables {
    listener_service = {
      image              = "broker:1"
      cluster_arn        = "arn:aws:ecs:eu-central-1:123456789012:cluster/main"
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
      max_links          = 900
    }
  }
  expect_failures = [var.listener_service]
}

run "a_generation_of_no_time" {
  command = plan
  variables {
    listener_service = {
      image              = "broker:1"
      cluster_arn        = "arn:aws:ecs:eu-central-1:123456789012:cluster/main"
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
      generation_seconds = 0
    }
  }
  expect_failures = [var.listener_service]
}

run "a_processor_that_fargate_does_not_have" {
  command = plan
  variables {
    listener_service = {
      image              = "broker:1"
      cluster_arn        = "arn:aws:ecs:eu-central-1:123456789012:cluster/main"
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
      cpu                = 300
    }
  }
  expect_failures = [var.listener_service]
}

run "a_key_file_s_secret_without_its_suffix" {
  command = plan
  variables {
    listener_service = {
      image                     = "broker:1"
      cluster_arn               = "arn:aws:ecs:eu-central-1:123456789012:cluster/main"
      subnet_ids                = ["subnet-1", "subnet-2"]
      security_group_ids        = ["sg-1"]
      encryption_key_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key"
    }
  }
  expect_failures = [var.listener_service]
}
