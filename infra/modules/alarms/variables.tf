variable "name" {
  description = "Name of the broker."
  type        = string
}

variable "api_id" {
  description = "Id of the HTTP API."
  type        = string
}

variable "table" {
  description = "Name of the table."
  type        = string
}

variable "indexes" {
  description = "Names of its indexes: up to four."
  type        = list(string)
}

variable "deliveries" {
  description = "Name of the queue of deliveries."
  type        = string
}

variable "deliveries_dead" {
  description = "Name of the queue of its dead letters."
  type        = string
}

variable "functions" {
  description = "Names of the functions."
  type        = object({ api = string, listener = string, courier = string, sweeper = string })
}

variable "listeners" {
  description = "How many listeners there may be at a time; null where that is no function's concurrency."
  type        = number
}

variable "topic_arns" {
  description = "SNS topics that are told when an alarm begins and when it ends."
  type        = list(string)
}

variable "api_errors" {
  description = "How many answers of the API with 5xx in five minutes are too many."
  type        = number
}

variable "replacements" {
  description = "How many guest sessions replaced in five minutes are too many."
  type        = number
}

variable "dashboard" {
  description = "Whether there is a dashboard."
  type        = bool
}
