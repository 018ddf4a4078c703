# A broker on a stand-in of AWS: what `make infra-check` applies, plans again and destroys.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "endpoint" {
  description = "Where the stand-in is."
  type        = string
}

variable "cloudwatch" {
  description = "Where alarms are, if elsewhere: the stand-in does not give all of an alarm back."
  type        = string
  default     = null
}

variable "packages" {
  description = "Folder of the functions' zips."
  type        = string
}

variable "shards" {
  description = "How many shards."
  type        = number
  default     = 2
}

variable "architecture" {
  description = "Processor that the zips were built for."
  type        = string
  default     = "arm64"
}

variable "admin_key_ref" {
  description = "Where a key with every scope is, for whoever uses what was applied; null: none."
  type        = string
  default     = null
}

variable "webhook_allow" {
  description = "Networks of this machine that webhooks may reach."
  type        = list(string)
  default     = []
}

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 4

  endpoints {
    apigatewayv2 = var.endpoint
    cloudwatch   = coalesce(var.cloudwatch, var.endpoint)
    dynamodb     = var.endpoint
    iam          = var.endpoint
    kms          = var.endpoint
    lambda       = var.endpoint
    logs         = var.endpoint
    scheduler    = var.endpoint
    sqs          = var.endpoint
    ssm          = var.endpoint
    sts          = var.endpoint
  }
}

module "broker" {
  source = "../../../infra/modules/broker"

  name                = "broker-check"
  shards              = var.shards
  packages            = { for each in ["api", "listener", "courier", "sweeper"] : each => "${var.packages}/${each}.zip" }
  deletion_protection = false

  # For whoever uses it: a simulator and a receiver of webhooks on this machine.
  architecture   = var.architecture
  admin_key_ref  = var.admin_key_ref
  allow_endpoint = true
  webhook_allow  = var.webhook_allow
}

output "broker" {
  description = "All that the module tells."
  value       = module.broker
}
