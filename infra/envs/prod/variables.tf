variable "region" {
  description = "AWS region: near the Genesys Cloud region of your organisation."
  type        = string
}

variable "alarm_topic_arns" {
  description = "SNS topics that somebody reads."
  type        = list(string)

  validation {
    condition     = length(var.alarm_topic_arns) > 0
    error_message = "In production an alarm is told to somebody: name at least one SNS topic."
  }
}

variable "domain" {
  description = "Name of the API, and its certificate; null: API Gateway's name."
  type = object({
    name            = string
    certificate_arn = string
  })
  default = null
}

variable "admin_key_ref" {
  description = "Where the first key of the API is; see the module's README."
  type        = string
  default     = null
}
