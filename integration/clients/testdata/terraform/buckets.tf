# Each resource and data source of S3 that the provider has for general purpose buckets.
variable "endpoint" {}
variable "queue" {}
variable "held_until" {}
variable "colour" { default = "red" }
variable "days" { default = 30 }
variable "versioning" { default = "Enabled" }

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "us-east-1"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints {
    s3        = var.endpoint
    s3control = var.endpoint
  }
}

resource "aws_s3_bucket" "main" {
  bucket              = "tf-main"
  force_destroy       = true
  object_lock_enabled = true
  tags                = { colour = var.colour }
}
resource "aws_s3_bucket" "log" {
  bucket_prefix = "tf-log-"
  force_destroy = true
}
resource "aws_s3_bucket" "replica" {
  bucket        = "tf-replica"
  force_destroy = true
}
resource "aws_s3_bucket" "site" {
  bucket        = "tf-site"
  force_destroy = true
}
resource "aws_s3_bucket_versioning" "main" {
  bucket = aws_s3_bucket.main.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_versioning" "replica" {
  bucket = aws_s3_bucket.replica.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_versioning" "site" {
  bucket = aws_s3_bucket.site.id
  versioning_configuration { status = var.versioning }
}
resource "aws_s3_bucket_object_lock_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.days
    }
  }
}
resource "aws_s3_bucket_ownership_controls" "log" {
  bucket = aws_s3_bucket.log.id
  rule { object_ownership = "BucketOwnerPreferred" }
}
resource "aws_s3_bucket_acl" "log" {
  bucket     = aws_s3_bucket.log.id
  acl        = "log-delivery-write"
  depends_on = [aws_s3_bucket_ownership_controls.log]
}
resource "aws_s3_bucket_logging" "main" {
  bucket        = aws_s3_bucket.main.id
  target_bucket = aws_s3_bucket.log.id
  target_prefix = "log/"
  target_object_key_format {
    partitioned_prefix { partition_date_source = "EventTime" }
  }
  depends_on = [aws_s3_bucket_acl.log]
}
data "aws_iam_policy_document" "site" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.site.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:Referer"
      values   = ["https://example.com/${var.colour}"]
    }
  }
}
resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = false
  restrict_public_buckets = false
}
resource "aws_s3_bucket_policy" "site" {
  bucket     = aws_s3_bucket.site.id
  policy     = data.aws_iam_policy_document.site.json
  depends_on = [aws_s3_bucket_public_access_block.site]
}
resource "aws_s3_bucket_website_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  index_document { suffix = "index.html" }
  error_document { key = "error.html" }
  routing_rule {
    condition { key_prefix_equals = "old/" }
    redirect { replace_key_prefix_with = "${var.colour}/" }
  }
}
resource "aws_s3_bucket_cors_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  cors_rule {
    id              = "web"
    allowed_headers = ["*"]
    allowed_methods = ["PUT", "POST"]
    allowed_origins = ["https://${var.colour}.example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
}
resource "aws_s3_bucket_lifecycle_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  rule {
    id     = "log"
    status = "Enabled"
    filter {
      and {
        prefix                   = "log/"
        object_size_greater_than = 500
        object_size_less_than    = 64000
        tags                     = { rule = "log", autoclean = var.colour }
      }
    }
    expiration { days = 90 }
    transition {
      days          = var.days
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = 75 # 30 days after the other, however that is changed
      storage_class = "GLACIER"
    }
  }
  rule {
    id     = "rest"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days           = 90
      newer_noncurrent_versions = 3
    }
    noncurrent_version_transition {
      noncurrent_days = 30
      storage_class   = "STANDARD_IA"
    }
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
  rule {
    id     = "date"
    status = "Disabled"
    filter { prefix = "tmp/" }
    expiration { date = "2030-01-13T00:00:00Z" }
  }
  rule {
    id     = "markers"
    status = "Enabled"
    filter {
      tag {
        key   = "k"
        value = "v"
      }
    }
    expiration { days = 10 }
  }
  depends_on = [aws_s3_bucket_versioning.main]
}
resource "aws_s3_bucket_server_side_encryption_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
    bucket_key_enabled = true
  }
}
resource "aws_s3_bucket_accelerate_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  status = "Enabled"
}
resource "aws_s3_bucket_request_payment_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  payer  = "Requester"
}
resource "aws_s3_bucket_analytics_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  name   = "all"
  filter {
    prefix = "a/"
    tags   = { p = "q" }
  }
  storage_class_analysis {
    data_export {
      destination {
        s3_bucket_destination { bucket_arn = aws_s3_bucket.log.arn }
      }
    }
  }
}
resource "aws_s3_bucket_intelligent_tiering_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  name   = "all"
  filter {
    prefix = "x/"
    tags   = { c = "blue" }
  }
  tiering {
    access_tier = "DEEP_ARCHIVE_ACCESS"
    days        = 180
  }
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 125
  }
}
resource "aws_s3_bucket_inventory" "main" {
  bucket                   = aws_s3_bucket.main.id
  name                     = "daily"
  included_object_versions = "All"
  optional_fields          = ["Size", "ETag"]
  filter { prefix = "docs/" }
  schedule { frequency = "Daily" }
  destination {
    bucket {
      format     = "ORC"
      bucket_arn = aws_s3_bucket.log.arn
      prefix     = "inv"
    }
  }
}
resource "aws_s3_bucket_metric" "main" {
  bucket = aws_s3_bucket.main.id
  name   = "m"
  filter {
    prefix = "d/"
    tags   = { priority = "high" }
  }
}
resource "aws_s3_bucket_replication_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  role   = "arn:aws:iam::123456789012:role/replication"
  rule {
    id       = "r"
    status   = "Enabled"
    priority = 1
    filter {
      and {
        prefix = "foo"
        tags   = { a = "b" }
      }
    }
    delete_marker_replication { status = "Disabled" }
    destination {
      bucket        = aws_s3_bucket.replica.arn
      storage_class = "STANDARD_IA"
    }
  }
  depends_on = [aws_s3_bucket_versioning.main, aws_s3_bucket_versioning.replica]
}
resource "aws_s3_object" "file" {
  bucket                 = aws_s3_bucket.site.id
  key                    = "index.html"
  content                = "<p>${var.colour}</p>"
  content_type           = "text/html"
  cache_control          = "max-age=60"
  metadata               = { by = "tf" }
  tags                   = { t = var.colour }
  checksum_algorithm     = "SHA256"
  server_side_encryption = "AES256"
}
resource "aws_s3_object" "held" {
  bucket                        = aws_s3_bucket.main.id
  key                           = "held"
  content                       = var.colour
  object_lock_legal_hold_status = "ON"
  object_lock_mode              = "GOVERNANCE"
  object_lock_retain_until_date = var.held_until
  force_destroy                 = true
  depends_on                    = [aws_s3_bucket_object_lock_configuration.main]
}
resource "aws_s3_object" "marker" {
  bucket        = aws_s3_bucket.log.id
  key           = "acl.txt"
  content       = "x"
  acl           = "public-read"
  depends_on    = [aws_s3_bucket_acl.log]
  storage_class = "ONEZONE_IA"
}
resource "aws_s3_object_copy" "copy" {
  bucket            = aws_s3_bucket.site.id
  key               = "copy.html"
  source            = "${aws_s3_bucket.site.id}/${aws_s3_object.file.key}"
  tagging_directive = "REPLACE"
  tags              = { copied = "yes" }
}
resource "aws_s3_bucket_notification" "site" {
  bucket = aws_s3_bucket.site.id
  queue {
    id            = "made"
    queue_arn     = var.queue
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "in/"
    filter_suffix = ".${var.colour}"
  }
}
data "aws_s3_bucket" "main" { bucket = aws_s3_bucket.main.id }
data "aws_s3_bucket_policy" "site" {
  bucket     = aws_s3_bucket.site.id
  depends_on = [aws_s3_bucket_policy.site]
}
data "aws_s3_object" "file" {
  bucket = aws_s3_bucket.site.id
  key    = aws_s3_object.file.key
}
data "aws_s3_objects" "site" {
  bucket     = aws_s3_bucket.site.id
  depends_on = [aws_s3_object.file, aws_s3_object_copy.copy]
}
data "aws_canonical_user_id" "me" {}
output "body" { value = data.aws_s3_object.file.body }
output "keys" { value = join(" ", data.aws_s3_objects.site.keys) }
output "log" { value = aws_s3_bucket.log.id }
