# What each function asks AWS for, one statement for each need. A test records the calls of whole
# conversations and compares them with these statements, function by function and both ways.

locals {
  table_arn = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${var.name}"

  # All four read the table and put, change and remove single items, alone or in a transaction,
  # which needs the rights of its parts (developer guide, "IAM and transactions").
  needs_of_table = [
    {
      sid       = "ReadTable"
      actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
      resources = [local.table_arn]
    },
    {
      sid       = "WriteTable"
      actions   = ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      resources = [local.table_arn]
    },
    {
      # DynamoDB uses the table's key in the name of whoever asks it (developer guide, "Encryption
      # at rest: usage notes").
      sid       = "UseKeyThroughTable"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
      resources = [aws_kms_key.this.arn]
      condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com" } }
    },
  ]

  # Who locks a session where no listener is, or makes a lane, looks at another item on the way.
  needs_of_checks = [
    {
      sid       = "CheckItems"
      actions   = ["dynamodb:ConditionCheckItem"]
      resources = [local.table_arn]
    },
  ]

  # An erased session, the lanes and the replays of a deleted endpoint: a listener removes neither.
  needs_of_removals = [
    {
      sid       = "RemoveMany"
      actions   = ["dynamodb:BatchWriteItem"]
      resources = [local.table_arn]
    },
  ]

  needs_of_listings = [
    {
      sid       = "ReadIndexes"
      actions   = ["dynamodb:Query"]
      resources = ["${local.table_arn}/index/lanes", "${local.table_arn}/index/tenant"]
    },
  ]

  needs_of_shards = [
    {
      sid       = "ReadIndexes"
      actions   = ["dynamodb:Query"]
      resources = ["${local.table_arn}/index/live"]
    },
  ]

  needs_of_sweeps = [
    {
      sid       = "ReadIndexes"
      actions   = ["dynamodb:Query"]
      resources = ["${local.table_arn}/index/due", "${local.table_arn}/index/live"]
    },
  ]

  # The context is the broker's: with the same KMS key no broker opens what is another one's.
  needs_of_data_keys = [
    {
      sid       = "MakeDataKeys"
      actions   = ["kms:GenerateDataKey"]
      resources = [local.data_key_arn]
      condition = { StringEquals = { "kms:EncryptionContext:broker" = local.data_key_context } }
    },
    {
      # With the module's own always: a broker that takes another one began with it.
      sid       = "OpenDataKeys"
      actions   = ["kms:Decrypt"]
      resources = distinct(concat([local.data_key_arn, aws_kms_key.this.arn], var.data_keys.former_kms_key_arns))
      condition = { StringEquals = { "kms:EncryptionContext:broker" = local.data_key_context } }
    },
  ]

  # Each process looks for the queue of deliveries and the last mailbox when it starts. Up to 4096
  # mailboxes are named by what their names begin with: a policy has no room for a list.
  needs_of_hints = [
    {
      sid       = "FindQueues"
      actions   = ["sqs:GetQueueUrl"]
      resources = ["${local.queue_arn}-deliveries", "${local.queue_arn}-mailbox-*"]
    },
    {
      sid       = "HintCouriers"
      actions   = ["sqs:SendMessage"]
      resources = ["${local.queue_arn}-deliveries"]
    },
  ]

  needs_of_owners = [
    {
      sid       = "HintListeners"
      actions   = ["sqs:SendMessage"]
      resources = ["${local.queue_arn}-mailbox-*"]
    },
  ]

  needs_of_links = [
    {
      sid       = "ReadMailboxes"
      actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
      resources = ["${local.queue_arn}-mailbox-*"]
    },
  ]

  # Of the trigger, which works in the name of the function.
  needs_of_batches = [
    {
      sid       = "TakeBatches"
      actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      resources = ["${local.queue_arn}-deliveries"]
    },
  ]

  needs_of_starts = [
    {
      sid       = "StartListeners"
      actions   = ["lambda:InvokeFunction"]
      resources = ["${local.function_arn}-listener"]
    },
  ]

  # Where the first key of the API is: in one of the two.
  first_key_ref = var.admin_key_ref == null ? "" : var.admin_key_ref

  needs_of_a_secret = [
    {
      sid       = "ReadFirstKey"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [split("#", local.first_key_ref)[0]]
    },
  ]

  needs_of_a_parameter = [
    {
      sid       = "ReadFirstKeyParameter"
      actions   = ["ssm:GetParameter"]
      resources = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${trimprefix(local.first_key_ref, "ssm:")}"]
    },
  ]

  # Secrets Manager and Systems Manager use the key in the name of whoever asks them.
  needs_of_its_key = [
    {
      sid       = "OpenFirstKey"
      actions   = ["kms:Decrypt"]
      resources = [var.admin_key_kms_key_arn]
      condition = {
        StringLike = { "kms:ViaService" = startswith(local.first_key_ref, "ssm:") ? "ssm.${local.region}.amazonaws.com" : "secretsmanager.*.amazonaws.com" }
      }
    },
  ]

  first_key_needs = concat(
    startswith(local.first_key_ref, "arn:") ? local.needs_of_a_secret : [],
    startswith(local.first_key_ref, "ssm:") ? local.needs_of_a_parameter : [],
    var.admin_key_kms_key_arn == null ? [] : local.needs_of_its_key,
  )

  needs_everywhere = concat(local.needs_of_table, local.needs_of_data_keys, local.needs_of_hints)

  needs = {
    api = concat(
      local.needs_everywhere, local.needs_of_checks, local.needs_of_removals,
      local.needs_of_listings, local.needs_of_owners, local.needs_of_starts, local.first_key_needs,
    )
    listener = concat(local.needs_everywhere, local.needs_of_shards, local.needs_of_links)
    courier = concat(
      local.needs_everywhere, local.needs_of_checks, local.needs_of_removals,
      local.needs_of_listings, local.needs_of_batches,
    )
    sweeper = concat(
      local.needs_everywhere, local.needs_of_checks, local.needs_of_removals,
      local.needs_of_sweeps, local.needs_of_owners, local.needs_of_starts,
    )
  }
}
