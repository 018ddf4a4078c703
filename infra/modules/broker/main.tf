# A whole broker: table, queues, four functions, the API in front and the clock behind.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # Built from names, so that what a role may do is known while planning, and nothing waits in a circle.
  queue_arn    = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}"
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"

  # What no webhook may ever reach, whatever is allowed besides. The functions refuse it too.
  never_reached = ["127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10", "fd00:ec2::254/128"]
}
