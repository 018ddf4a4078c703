# What starts couriers and sweepers. Listeners are started by requests and by the sweeper.

resource "aws_lambda_event_source_mapping" "deliveries" {
  event_source_arn = aws_sqs_queue.deliveries.arn
  function_name    = module.courier.arn
  batch_size       = 10

  # Without it every answer counts as success, and what failed waits for the sweeper.
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.courier.batches
  }
}

resource "aws_scheduler_schedule" "sweep" {
  name                = "${var.name}-sweep"
  description         = "One sweep a minute: what is due, and listeners that are missing"
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.sweeper.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({})

    # The next minute's sweep does what this one could not.
    retry_policy {
      maximum_event_age_in_seconds = 60
      maximum_retry_attempts       = 0
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}

resource "aws_iam_role" "scheduler" {
  name                 = "${var.name}-scheduler"
  description          = "Lets the clock start the sweeper of ${var.name}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "SchedulerUsesIt"
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "scheduler.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  name = "needs"
  role = aws_iam_role.scheduler.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "StartSweeper"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = ["${local.function_arn}-sweeper"]
      },
    ]
  })
}
