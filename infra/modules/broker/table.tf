# The table: keys and indexes are those of service/adapters/table/schema.py, and a test compares.

resource "aws_dynamodb_table" "this" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  attribute {
    name = "live_pk"
    type = "S"
  }

  attribute {
    name = "live_sk"
    type = "S"
  }

  attribute {
    name = "due_pk"
    type = "S"
  }

  attribute {
    name = "due_sk"
    type = "N"
  }

  attribute {
    name = "tenant_pk"
    type = "S"
  }

  attribute {
    name = "tenant_sk"
    type = "S"
  }

  attribute {
    name = "lane_pk"
    type = "S"
  }

  attribute {
    name = "lane_sk"
    type = "S"
  }

  global_secondary_index {
    name               = "live"
    hash_key           = "live_pk"
    range_key          = "live_sk"
    projection_type    = "INCLUDE"
    non_key_attributes = ["tenant", "deployment"]
  }

  global_secondary_index {
    name               = "due"
    hash_key           = "due_pk"
    range_key          = "due_sk"
    projection_type    = "INCLUDE"
    non_key_attributes = ["shard"]
  }

  global_secondary_index {
    name               = "tenant"
    hash_key           = "tenant_pk"
    range_key          = "tenant_sk"
    projection_type    = "INCLUDE"
    non_key_attributes = ["state", "deployment"]
  }

  global_secondary_index {
    name               = "lanes"
    hash_key           = "lane_pk"
    range_key          = "lane_sk"
    projection_type    = "INCLUDE"
    non_key_attributes = ["due_sk"]
  }

  ttl {
    enabled        = true
    attribute_name = "ttl"
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }

  lifecycle {
    precondition {
      condition     = terraform_data.shards.output == var.shards
      error_message = "`shards` is fixed for the life of a broker: sessions are spread over ${terraform_data.shards.output}, and with ${var.shards} most of them would not be found."
    }
  }
}

# Keeps the number that the broker was made with: what is ignored here is what was first said.
resource "terraform_data" "shards" {
  input = var.shards

  lifecycle {
    ignore_changes = [input]
  }
}
