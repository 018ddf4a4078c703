# Listeners that stay: the same code as the function, in tasks that the service keeps alive.

data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  liveness_port = 8081
  folder        = "/tmp/broker"

  environment = merge(var.environment, {
    BROKER_DATA_DIR           = local.folder
    BROKER_MAX_LINKS          = tostring(var.service.max_links)
    BROKER_GENERATION_SECONDS = tostring(var.service.generation_seconds)
    BROKER_LIVENESS_PORT      = tostring(local.liveness_port)
  })

  # Of brokers that had one: the code reads that key from a file. The variable is gone before the
  # listener starts.
  key_file = [
    "mkdir -p \"$BROKER_DATA_DIR\"",
    "printf %s \"$ENCRYPTION_KEY\" > \"$BROKER_DATA_DIR/encryption.key\"",
    "unset ENCRYPTION_KEY",
  ]

  start = join(" && ", concat(
    ["umask 077"],
    length(local.key_secret_arns) == 0 ? [] : local.key_file,
    ["exec python -m service.entrypoints.listener_service"],
  ))

  key_secret_arns = compact([var.service.encryption_key_secret_arn])

  alive = "import urllib.request as r; r.urlopen('http://127.0.0.1:${local.liveness_port}/healthz', timeout=4)"

  assume = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TasksUseIt"
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "ecs-tasks.amazonaws.com" }
      },
    ]
  })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for each in var.statements : {
        for name, value in {
          Sid       = each.sid
          Effect    = "Allow"
          Action    = each.actions
          Resource  = each.resources
          Condition = each.condition
        } : name => value if value != null
      }
    ]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "task" {
  name                 = var.name
  description          = "What the listeners of ${var.name} may do"
  assume_role_policy   = local.assume
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "task" {
  name   = "needs"
  role   = aws_iam_role.task.name
  policy = local.policy
}

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-start"
  description          = "What starting a task of ${var.name} takes"
  assume_role_policy   = local.assume
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "execution" {
  name = "needs"
  role = aws_iam_role.execution.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.needs_of_key_file, local.needs_of_start, local.ecr == null ? [] : local.needs_of_ecr)
  })
}

locals {
  # <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>; other registries need no rights.
  ecr = try(regex("^([0-9]{12})[.]dkr[.]ecr[.]([a-z0-9-]+)[.]amazonaws[.]com[.a-z]*/([^:@]+)", var.service.image), null)

  repository_arn = local.ecr == null ? "" : "arn:${data.aws_partition.current.partition}:ecr:${local.ecr[1]}:${local.ecr[0]}:repository/${local.ecr[2]}"

  needs_of_key_file = [
    for each in local.key_secret_arns : {
      Sid      = "ReadEncryptionKey"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [each]
    }
  ]

  needs_of_start = [
    {
      Sid      = "WriteOwnLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
    },
  ]

  needs_of_ecr = [
    {
      # Logging in has no resource to name (service authorization reference, "Actions for ECR").
      Sid      = "LogInToRegistry"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = ["*"]
    },
    {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = [local.repository_arn]
    },
  ]
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.service.cpu
  memory                   = var.service.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture == "arm64" ? "ARM64" : "X86_64"
  }

  container_definitions = jsonencode([
    {
      name        = "listener"
      image       = var.service.image
      essential   = true
      entryPoint  = ["sh", "-c"]
      command     = [local.start]
      environment = [for name, value in local.environment : { name = name, value = value }]
      secrets     = [for each in local.key_secret_arns : { name = "ENCRYPTION_KEY", valueFrom = each }]

      # A listener that is told to stop hands its links over, for 16 s at most.
      stopTimeout = 30

      healthCheck = {
        command     = ["CMD", "python", "-c", local.alive]
        interval    = 15
        timeout     = 5
        retries     = 3
        startPeriod = 30
      }

      # A link is a file descriptor.
      ulimits = [{ name = "nofile", softLimit = 4096, hardLimit = 4096 }]

      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = data.aws_region.current.name
          awslogs-stream-prefix = "listener"
        }
      }
    },
  ])
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = var.service.cluster_arn
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = var.service.count
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"

  # Old and new overlap while links are handed over.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.service.subnet_ids
    security_groups  = var.service.security_group_ids
    assign_public_ip = var.service.assign_public_ip
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}
