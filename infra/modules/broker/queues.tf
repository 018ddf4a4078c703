# Hints travel here, ids and nothing else; losing, repeating or reordering one is harmless.

locals {
  courier_timeout = 60

  # Lambda asks for at least the function's timeout. A hint that comes late only competes with the
  # sweeper, so six times as much would be no better.
  deliveries_visibility = 120
}

resource "aws_sqs_queue" "deliveries" {
  name                       = "${var.name}-deliveries"
  visibility_timeout_seconds = local.deliveries_visibility
  message_retention_seconds  = 3600
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.deliveries_dead.arn
    maxReceiveCount     = 5
  })

  lifecycle {
    precondition {
      condition     = local.deliveries_visibility > local.courier_timeout
      error_message = "The queue of deliveries hides a message for longer than a courier may take: else another one gets it meanwhile."
    }
  }
}

# What is here says that the table was away for long, and nothing else.
resource "aws_sqs_queue" "deliveries_dead" {
  name                      = "${var.name}-deliveries-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["${local.queue_arn}-deliveries"]
  })
}

# No dead letters: a listener deletes what it reads, and what nobody read in five minutes is worth
# nothing, since whoever takes a shard looks at all its live sessions anyway.
resource "aws_sqs_queue" "mailbox" {
  count = var.shards

  name                      = "${var.name}-mailbox-${count.index}"
  message_retention_seconds = 300
  sqs_managed_sse_enabled   = true
}
