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
    condition     = var.admin_key_ref == null ? true : can(regex("^(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^[:space:]#]+-[A-Za-z0-9]{6}(#[^[:space:]#]+)?|ssm:/[A-Za-z0-9_./-]+)$", var.admin_key_ref))
    error_message = "The key is named, not given: arn:aws:secretsmanager:<region>:<account>:secret:<name>-<suffix>, the six characters of the suffix included (rights without them allow nothing), with #member where it is JSON, or ssm:/<name of a parameter>."
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
    condition     = var.connections_per_minute >= 100 && var.connections_per_minute <= 1000000 && floor(var.connections_per_minute) == var.connections_per_minute
    error_message = "Genesys takes 1000 connections a minute unless it was agreed otherwise; fewer than 100 keep no broker alive, and there are no halves."
  }
}

variable "webhook_allow" {
  description = "Private networks that a webhook, and a file on its way to or from Genesys, may reach all the same, such as 10.20.0.0/16."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.webhook_allow : can(cidrhost(each, 0))])
    error_message = "A network is written with its length, such as 10.20.0.0/16."
  }

  validation {
    condition     = alltrue([for each in var.webhook_allow : try(cidrsubnet(each, 0, 0) == each, true)])
    error_message = "A network is written by its first address, in its shortest form and small letters: 10.20.0.0/16 and not 10.20.0.1/16, fd12:3456::/48 and not FD12:3456:0::/48."
  }

  # Where the lengths differ, the shorter one says how much has to be the same.
  validation {
    condition = !anytrue(flatten([
      for each in var.webhook_allow : [
        for never in local.never_reached : try(
          cidrhost("${split("/", each)[0]}/${min(split("/", each)[1], split("/", never)[1])}", 0) == cidrhost("${split("/", never)[0]}/${min(split("/", each)[1], split("/", never)[1])}", 0),
          false,
        ) if strcontains(each, ":") == strcontains(never, ":")
      ]
    ]))
    error_message = "Loopback, link-local and the cloud's metadata, and networks so large that they hold one of these: there are addresses of the function itself and of its credentials. Name the networks of your receivers."
  }
}

variable "allow_domains" {
  description = "Domains that a deployment may name besides those of Genesys Cloud's regions, such as example.com or *.example.com: client ids, chats and credentials go to hosts below them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.allow_domains : can(regex("^(\\*\\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", each))])
    error_message = "A domain is written in small letters, such as example.com or *.example.com; a star stands for one label, at the beginning."
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
    condition     = var.api.requests_per_second >= 1 && var.api.burst >= 1 && floor(var.api.burst) == var.api.burst
    error_message = "With a rate or a burst of 0 API Gateway refuses every request; a burst is a whole number of them."
  }

  validation {
    condition     = var.api.memory >= 128 && var.api.memory <= 10240 && floor(var.api.memory) == var.api.memory
    error_message = "Lambda has 128 to 10240 whole MB."
  }

  validation {
    condition     = var.api.concurrency == null ? true : var.api.concurrency >= 1 && floor(var.api.concurrency) == var.api.concurrency
    error_message = "A reserved concurrency of 0 switches the API off; null leaves it what the account has left."
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
    condition     = var.listener.concurrency >= 2 && floor(var.listener.concurrency) == var.listener.concurrency
    error_message = "A listener and its successor overlap: with less than 2 at a time no link survives the 15 minutes of a function. It is a whole number."
  }

  validation {
    condition     = var.listener.max_links >= 1 && var.listener.max_links <= 800 && floor(var.listener.max_links) == var.listener.max_links
    error_message = "One process holds 1 to 800 links, a whole number: Lambda gives it 1024 file descriptors."
  }

  validation {
    condition     = var.listener.dormant_seconds > 0 && var.listener.idle_seconds > 0
    error_message = "Times are more than 0 seconds."
  }

  validation {
    condition     = var.listener.memory >= 512 && var.listener.memory <= 10240 && floor(var.listener.memory) == var.listener.memory
    error_message = "With less than 512 MB a listener has too little of a processor to take over its links in time; Lambda has up to 10240 whole MB."
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
    condition     = var.courier.batches >= 2 && var.courier.batches <= 1000 && floor(var.courier.batches) == var.courier.batches
    error_message = "SQS's trigger serves 2 to 1000 batches at a time."
  }

  validation {
    condition     = var.courier.memory >= 128 && var.courier.memory <= 10240 && floor(var.courier.memory) == var.courier.memory
    error_message = "Lambda has 128 to 10240 whole MB."
  }

  validation {
    condition     = var.courier.concurrency == null ? true : var.courier.concurrency >= var.courier.batches && floor(var.courier.concurrency) == var.courier.concurrency
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

  validation {
    condition     = var.sweeper.memory >= 128 && var.sweeper.memory <= 10240 && floor(var.sweeper.memory) == var.sweeper.memory
    error_message = "Lambda has 128 to 10240 whole MB."
  }

  validation {
    condition     = var.sweeper.concurrency == null ? true : var.sweeper.concurrency >= 1 && floor(var.sweeper.concurrency) == var.sweeper.concurrency
    error_message = "A reserved concurrency of 0 switches the sweeper off: nobody takes up what a crash left."
  }
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
    condition     = var.listener_service == null ? true : var.listener_service.count >= 2 && floor(var.listener_service.count) == var.listener_service.count
    error_message = "One task alone leaves all its sessions without a link while it is replaced; take 2."
  }

  validation {
    condition     = var.listener_service == null ? true : var.listener_service.max_links >= 1 && var.listener_service.max_links <= 800 && floor(var.listener_service.max_links) == var.listener_service.max_links
    error_message = "One process holds 1 to 800 links, a whole number: take more tasks for more."
  }

  validation {
    condition     = var.listener_service == null ? true : var.listener_service.generation_seconds > 0
    error_message = "A generation lasts more than 0 seconds."
  }

  validation {
    condition     = var.listener_service == null ? true : contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.listener_service.cpu) && var.listener_service.memory >= 2 * var.listener_service.cpu && var.listener_service.memory <= 8 * var.listener_service.cpu
    error_message = "Fargate has 256, 512, 1024, 2048, 4096, 8192 or 16384 units of a processor, and 2 to 8 MB of memory for each."
  }

  validation {
    condition     = try(var.listener_service.encryption_key_secret_arn, null) == null ? true : can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^[:space:]:#]+-[A-Za-z0-9]{6}$", var.listener_service.encryption_key_secret_arn))
    error_message = "A secret is named by its whole ARN, the six characters of its suffix included: arn:aws:secretsmanager:<region>:<account>:secret:<name>-<suffix>."
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

  validation {
    condition     = var.alarms.api_errors >= 1 && var.alarms.replacements >= 1
    error_message = "An alarm that counts from 0 on never ends: 1 is the least."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of every role, where the account asks for one."
  type        = string
  default     = null
}
