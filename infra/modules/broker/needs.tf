# What the code asks AWS for, one statement for each need. A test compares the actions with the
# calls in service/adapters, both ways.

locals {
  table_arn = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${var.name}"

  needs_of_table = [
    {
      sid       = "ReadTable"
      actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
      resources = [local.table_arn]
    },
    {
      sid       = "ReadIndexes"
      actions   = ["dynamodb:Query"]
      resources = [for each in ["live", "due", "tenant", "lanes"] : "${local.table_arn}/index/${each}"]
    },
    {
      # A transaction needs the rights of its parts (developer guide, "IAM for transactions").
      sid = "WriteTable"
      actions = [
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
      ]
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

  # Each process looks for the queue of deliveries and the last mailbox when it starts. Up to 4096
  # mailboxes are named by what their names begin with: a policy has no room for a list.
  needs_of_hints = [
    {
      sid       = "SendHints"
      actions   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
      resources = ["${local.queue_arn}-deliveries", "${local.queue_arn}-mailbox-*"]
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

  needs = {
    api      = concat(local.needs_of_table, local.needs_of_hints, local.needs_of_starts)
    listener = concat(local.needs_of_table, local.needs_of_hints, local.needs_of_links)
    courier  = concat(local.needs_of_table, local.needs_of_hints, local.needs_of_batches)
    sweeper  = concat(local.needs_of_table, local.needs_of_hints, local.needs_of_starts)
  }
}
