variable "name" {
  description = "Name of the service, its task and its roles."
  type        = string
}

variable "service" {
  description = "The service, as the broker's variable `listener_service` has it."
  type = object({
    image                     = string
    cluster_arn               = string
    subnet_ids                = list(string)
    security_group_ids        = list(string)
    encryption_key_secret_arn = string
    assign_public_ip          = bool
    count                     = number
    cpu                       = number
    memory                    = number
    max_links                 = number
    generation_seconds        = number
  })
}

variable "architecture" {
  description = "Processor that the image was built for: arm64 or x86_64."
  type        = string
}

variable "environment" {
  description = "Environment variables that all processes of the broker share."
  type        = map(string)
}

variable "statements" {
  description = "What a listener may do: one statement for each need."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    condition = optional(map(map(string)))
  }))
}

variable "log_retention_days" {
  description = "How long log lines are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Key that encrypts the log."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "Boundary of the roles, where the account asks for one."
  type        = string
  default     = null
}
