variable "region" {
  description = "AWS region."
  type        = string
}

variable "encryption_key_layer_arn" {
  description = "Layer version with the encryption key; see the module's README for how it is made."
  type        = string
}

variable "admin_key" {
  description = "First key of the API, for the first apply; see the module's README."
  type        = string
  default     = null
  sensitive   = true
}
