variable "name" {
  description = "Name of the function, and of its role."
  type        = string
}

variable "handler" {
  description = "What Lambda calls: module and function, with dots."
  type        = string
}

variable "package" {
  description = "Path of the zip that `make package` built for this function."
  type        = string
}

variable "architecture" {
  description = "Processor that the package was built for."
  type        = string
}

variable "timeout" {
  description = "Seconds after which Lambda ends an invocation without a word."
  type        = number
}

variable "memory" {
  description = "Memory in MB. The share of a processor grows with it: 1769 MB are one."
  type        = number
}

variable "concurrency" {
  description = "How many invocations at a time are reserved for this function, and its most; null: what the account has left."
  type        = number
}

variable "environment" {
  description = "Environment variables: the fields of the function's Settings class."
  type        = map(string)
}

variable "layers" {
  description = "ARNs of layer versions."
  type        = list(string)
}

variable "statements" {
  description = "What the function may do besides writing its own log: one statement for each need."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    condition = optional(map(map(string)))
  }))
}

variable "asynchronous" {
  description = "Whether others start it without waiting. Then Lambda is told to try once and to drop what waited a minute: whoever starts it looks again."
  type        = bool
  default     = false
}

variable "tracing" {
  description = "Whether X-Ray gets a trace of sampled invocations."
  type        = bool
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
  description = "Boundary of the role, where the account asks for one."
  type        = string
  default     = null
}
