# One key for the table, the logs and the data keys. Queues hold ids alone and have SQS's own encryption.

locals {
  # What wraps the data keys that encrypt secrets in the table, once more below the table's own
  # encryption: whoever may read the table is not therefore told them.
  data_key_arn     = var.data_keys.kms_key_arn == null ? aws_kms_key.this.arn : var.data_keys.kms_key_arn
  data_key_context = coalesce(var.data_keys.context, var.name)
}

resource "aws_kms_key" "this" {
  description             = "Table, logs and data keys of the broker ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Without it nobody could ever change this policy; who may use the key is said by roles.
        Sid       = "TheAccountDecides"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
      },
      {
        Sid       = "LogsOfThisBroker"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}-*",
              "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/vendedlogs/apis/${var.name}",
              "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/ecs/${var.name}-*",
            ]
          }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
