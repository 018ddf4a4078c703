variable "region" {
  description = "AWS region."
  type        = string
}

variable "admin_key_ref" {
  description = "Where the first key of the API is; see the module's README."
  type        = string
  default     = null
}
