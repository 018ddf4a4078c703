variable "name" {
  description = "Name of the broker: of its table, and what every other name begins with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,31}$", var.name))
    error_message = "A broker's name has 3 to 32 lower-case letters, digits and hyphens and begins with a letter: queues, roles and functions are named by it."
  }
}

variable "packages" {
  description = "Paths of the zips that `make package` builds, by function."
  type = object({
    api      = string
    listener = string
    courier  = string
    sweeper  = string
  })
}

variable "architecture" {
  description = "Processor that the packages were built for: arm64 or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Lambda runs arm64 and x86_64."
  }
}

variable "data_keys" {
  description = "What encrypts client ids and other secrets in the table: data keys that KMS wraps. ARN of the KMS key (null: the module's own); those of KMS keys that wrapped earlier ones, but for the module's own; what the encryption context names (null: the broker's name; for a table that was restored under another one); how many days a data key encrypts."
  type = object({
    kms_key_arn         = optional(string)
    former_kms_key_arns = optional(list(string), [])
    context             = optional(string)
    rotation_days       = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for each in concat(compact([var.data_keys.kms_key_arn]), var.data_keys.former_kms_key_arns) :
      can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", each))
    ])
    error_message = "A KMS key is named by its own ARN, arn:aws:kms:<region>:<account>:key/<id>: rights that name an alias allow nothing."
  }

  validation {
    condition     = var.data_keys.rotation_days >= 7 && var.data_keys.rotation_days <= 3650 && floor(var.data_keys.rotation_days) == var.data_keys.rotation_days
    error_message = "A data key encrypts for 7 to 3650 whole days."
  }
}

variable "encryption_key_layer_arn" {
  description = "For brokers that had one: ARN of the layer version that holds the file `broker/encryption.key`, which opens what was encrypted before there were data keys; null: there is none."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key_layer_arn == null ? true : can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", var.encryption_key_layer_arn))
    error_message = "A layer is named with its version: arn:aws:lambda:<region>:<account>:layer:<name>:<version>."
  }
}

variable "admin_key_ref" {
  description = "Where a key with every scope is that the API makes known when it starts: ARN of a secret in Secrets Manager (with #member where it is JSON), or ssm:/name of a SecureString. Made outside, so that its value is in no state; null: the keys that are in the table."
  type        = string
  default     = null

  validation {
    condition     = var.admin_key_ref == null ? true : can(regex("^(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^[:space:]#]+(#[^[:space:]#]+)?|ssm:/[A-Za-z0-9_./-]+)$", var.admin_key_ref))
    error_message = "The key is named, not given: arn:aws:secretsmanager:<region>:<account>:secret:<name>-<suffix>, with #member where it is JSON, or ssm:/<name of a parameter>."
  }
}

variable "admin_key_kms_key_arn" {
  description = "Key of your own that encrypts that secret or parameter; null: AWS's own, which takes no rights."
  type        = string
  default     = null

  validation {
    condition     = var.admin_key_kms_key_arn == null ? true : var.admin_key_ref != null
    error_message = "Without admin_key_ref there is nothing that this key would open."
  }

  validation {
    condition     = var.admin_key_kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.admin_key_kms_key_arn))
    error_message = "A KMS key is named by its own ARN, arn:aws:kms:<region>:<account>:key/<id>: rights that name an alias allow nothing."
  }
}

variable "shards" {
  description = "How many shards sessions are spread over. Fixed for the life of a broker: choose ten times what is needed today."
  type        = number
  default     = 64

  validation {
    condition     = var.shards >= 1 && var.shards <= 4096 && floor(var.shards) == var.shards
    error_message = "There are 1 to 4096 shards."
  }
}

variable "connections_per_minute" {
  description = "How many new connections a minute Genesys takes for one deployment."
  type        = number
  default     = 1000

  validation {
    condition     = var.connections_per_minute >= 100 && var.connections_per_minute <= 1000000
    error_message = "Genesys takes 1000 connections a minute unless it was agreed otherwise; fewer than 100 keep no broker alive."
  }
}

variable "webhook_allow" {
  description = "Private networks that a webhook may reach all the same, such as 10.20.0.0/16."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.webhook_allow : can(cidrhost(each, 0))])
    error_message = "A network is written with its length, such as 10.20.0.0/16."
  }

  validation {
    condition     = !anytrue([for each in var.webhook_allow : can(regex("^(127\\.|169\\.254\\.|::1|fe80:|0\\.0\\.0\\.0/|::/)", each))])
    error_message = "Loopback, link-local and all networks at once hold addresses of the function itself and of the cloud's metadata; the functions refuse to start with them."
  }
}

variable "allow_endpoint" {
  description = "Whether a deployment may name an address of its own instead of a Genesys region: for tests against a simulator, never where tenants are strangers."
  type        = bool
  default     = false
}

variable "api" {
  description = "The REST API: memory in MB, reserved concurrency (null: what the account has left), and how many requests a second API Gateway lets in, lasting and in a burst."
  type = object({
    memory              = optional(number, 1024)
    concurrency         = optional(number)
    requests_per_second = optional(number, 200)
    burst               = optional(number, 400)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.api.requests_per_second >= 1 && var.api.burst >= 1
    error_message = "With a rate or a burst of 0 API Gateway refuses every request."
  }
}

variable "listener" {
  description = "Listeners: memory in MB, how many at a time, how many links each, after how many seconds a quiet session's link is let go, and how long one without sessions stays."
  type = object({
    memory          = optional(number, 512)
    concurrency     = optional(number, 10)
    max_links       = optional(number, 250)
    dormant_seconds = optional(number, 1800)
    idle_seconds    = optional(number, 90)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.listener.concurrency >= 2
    error_message = "A listener and its successor overlap: with less than 2 at a time no link survives the 15 minutes of a function."
  }

  validation {
    condition     = var.listener.max_links >= 1 && var.listener.max_links <= 800
    error_message = "One process holds 1 to 800 links: Lambda gives it 1024 file descriptors."
  }

  validation {
    condition     = var.listener.dormant_seconds > 0 && var.listener.idle_seconds > 0
    error_message = "Times are more than 0 seconds."
  }

  validation {
    condition     = var.listener.memory >= 512
    error_message = "With less than 512 MB a listener has too little of a processor to take over its links in time."
  }
}

variable "courier" {
  description = "Couriers: memory in MB, how many batches of hints are served at a time, and reserved concurrency (null: what the account has left)."
  type = object({
    memory      = optional(number, 512)
    batches     = optional(number, 10)
    concurrency = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.courier.batches >= 2 && var.courier.batches <= 1000
    error_message = "SQS's trigger serves 2 to 1000 batches at a time."
  }

  validation {
    condition     = var.courier.concurrency == null ? true : var.courier.concurrency >= var.courier.batches
    error_message = "A courier's reserved concurrency is at least its batches: what the trigger cannot start counts as received, and ends among the dead letters."
  }
}

variable "sweeper" {
  description = "The sweeper: memory in MB, and reserved concurrency (null: what the account has left)."
  type = object({
    memory      = optional(number, 512)
    concurrency = optional(number, 2)
  })
  default  = {}
  nullable = false
}

variable "domain" {
  description = "A name of one's own for the API, with a certificate of the same region; null: API Gateway's name. With it API Gateway's own name is switched off."
  type = object({
    name            = string
    certificate_arn = string
  })
  default = null
}

variable "listener_service" {
  description = "Listeners that stay, as a Fargate service beside the functions: image with Python, `service` and what requirements/runtime.txt names; for brokers that had one, secret that holds the text of encryption.key, encrypted with AWS's own key; null: functions alone."
  type = object({
    image                     = string
    cluster_arn               = string
    subnet_ids                = list(string)
    security_group_ids        = list(string)
    encryption_key_secret_arn = optional(string)
    assign_public_ip          = optional(bool, false)
    count                     = optional(number, 2)
    cpu                       = optional(number, 256)
    memory                    = optional(number, 512)
    max_links                 = optional(number, 800)
    generation_seconds        = optional(number, 43200)
  })
  default = null

  validation {
    condition     = var.listener_service == null ? true : var.listener_service.count >= 2
    error_message = "One task alone leaves all its sessions without a link while it is replaced; take 2."
  }

  validation {
    condition     = var.listener_service == null ? true : length(var.listener_service.subnet_ids) >= 2
    error_message = "Two subnets, in two zones: else one zone takes all listeners with it."
  }
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted. Destroying takes an apply without it first."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Whether the table can be restored to any second of the last 35 days."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "tracing" {
  description = "Whether X-Ray gets a trace of sampled invocations."
  type        = bool
  default     = true
}

variable "alarms" {
  description = "Whether there are alarms, the metrics that they need, and a dashboard; what is told of them, as ARNs of SNS topics; how many errors of the API in five minutes are too many; how many replaced guest sessions in five minutes are."
  type = object({
    enabled      = optional(bool, true)
    topic_arns   = optional(list(string), [])
    api_errors   = optional(number, 5)
    replacements = optional(number, 50)
    dashboard    = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "permissions_boundary_arn" {
  description = "Boundary of every role, where the account asks for one."
  type        = string
  default     = null
}
