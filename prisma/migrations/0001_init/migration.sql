-- CreateEnum
CREATE TYPE "turn_state" AS ENUM ('queued', 'answering', 'done', 'stopped', 'failed');

-- CreateEnum
CREATE TYPE "attachment_state" AS ENUM ('waiting', 'reading', 'read', 'failed');

-- CreateEnum
CREATE TYPE "ledger_state" AS ENUM ('reserved', 'settled', 'released', 'expired');

-- CreateEnum
CREATE TYPE "budget_period" AS ENUM ('day', 'week', 'month');

-- CreateEnum
CREATE TYPE "approval_state" AS ENUM ('asked', 'approved', 'declined', 'used');

-- CreateTable
CREATE TABLE "conversation" (
    "key" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "thread_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lease_turn" UUID,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),

    CONSTRAINT "conversation_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "turn" (
    "id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "conversation_key" TEXT NOT NULL,
    "source_id" UUID NOT NULL,
    "author_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "reply_target" JSONB NOT NULL,
    "state" "turn_state" NOT NULL DEFAULT 'queued',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "first_text_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "broken_off" INTEGER NOT NULL DEFAULT 0,
    "broken_off_alone" INTEGER NOT NULL DEFAULT 0,
    "alone" BOOLEAN NOT NULL DEFAULT false,
    "dispatches" INTEGER NOT NULL DEFAULT 1,
    "dispatched_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "stop_requested_at" TIMESTAMPTZ(3),
    "stop_event" TEXT,
    "withdrawn" BOOLEAN NOT NULL DEFAULT false,
    "superseded_by" UUID,
    "outcome" JSONB,
    "answer" TEXT,
    "receipt" JSONB,
    "overrides" JSONB,

    CONSTRAINT "turn_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "inbound" (
    "platform" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "turn_id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "message" JSONB NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbound_pkey" PRIMARY KEY ("platform","id")
);

-- CreateTable
CREATE TABLE "turn_attachment" (
    "id" TEXT NOT NULL,
    "turn_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "attachment" JSONB NOT NULL,
    "state" "attachment_state" NOT NULL DEFAULT 'waiting',
    "progress" TEXT,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "broken_off" INTEGER NOT NULL DEFAULT 0,
    "broken_off_alone" INTEGER NOT NULL DEFAULT 0,
    "alone" BOOLEAN NOT NULL DEFAULT false,
    "content_hash" TEXT,
    "engine" TEXT,
    "receipt" JSONB,

    CONSTRAINT "turn_attachment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "blob" (
    "hash" TEXT NOT NULL,

    CONSTRAINT "blob_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "blob_ref" (
    "hash" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "blob_ref_pkey" PRIMARY KEY ("hash","owner_kind","owner_id")
);

-- CreateTable
CREATE TABLE "blob_released" (
    "id" BIGSERIAL NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "blob_released_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "artifact" (
    "content_hash" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "artifact_pkey" PRIMARY KEY ("content_hash","engine")
);

-- CreateTable
CREATE TABLE "passage" (
    "content_hash" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "at" JSONB NOT NULL,
    "tokens" INTEGER NOT NULL,
    "length" INTEGER NOT NULL,
    "terms" tsvector NOT NULL,

    CONSTRAINT "passage_pkey" PRIMARY KEY ("content_hash","engine","ordinal")
);

-- CreateTable
CREATE TABLE "reply_part" (
    "turn_id" UUID NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "ref" JSONB NOT NULL,
    "text" TEXT NOT NULL,
    "ahead" INTEGER NOT NULL DEFAULT 0,
    "posted_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "reply_part_pkey" PRIMARY KEY ("turn_id","ordinal")
);

-- CreateTable
CREATE TABLE "turn_step" (
    "turn_id" UUID NOT NULL,
    "n" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "result" JSONB NOT NULL,

    CONSTRAINT "turn_step_pkey" PRIMARY KEY ("turn_id","n")
);

-- CreateTable
CREATE TABLE "console_thread" (
    "id" UUID NOT NULL,
    "title" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "console_thread_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "console_message" (
    "id" TEXT NOT NULL,
    "thread_id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "role" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "turn_id" UUID,
    "attachments" JSONB NOT NULL DEFAULT '[]',
    "citations" JSONB NOT NULL DEFAULT '[]',
    "buttons" JSONB NOT NULL DEFAULT '[]',
    "receipt" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "console_message_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "console_upload" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "media_type" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "console_upload_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "platform_record" (
    "platform" TEXT NOT NULL,
    -- Listed by the beginning of the key: only bytewise order lets an index do that, whatever the database's own collation is.
    "key" TEXT COLLATE "C" NOT NULL,
    "value" JSONB,
    "sealed" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "turn_id" UUID,
    "person" TEXT,

    CONSTRAINT "platform_record_pkey" PRIMARY KEY ("platform","key")
);

-- CreateTable
-- Unlogged: a crash may empty it, nothing is lost with it.
CREATE UNLOGGED TABLE "platform_quota" (
    "key" TEXT NOT NULL,
    "free_at" TIMESTAMPTZ(6) NOT NULL,
    "place" TIMESTAMPTZ(6) NOT NULL,
    "held_until" TIMESTAMPTZ(6),

    CONSTRAINT "platform_quota_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "ledger" (
    "id" UUID NOT NULL,
    "turn_id" UUID,
    "platform" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "key_id" TEXT,
    "scopes" TEXT[],
    "kind" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "state" "ledger_state" NOT NULL DEFAULT 'reserved',
    "reserved" BIGINT NOT NULL,
    "at_most" BIGINT NOT NULL,
    "cost" BIGINT,
    "usage" JSONB,
    "price" JSONB NOT NULL,
    "estimated" BOOLEAN NOT NULL DEFAULT false,
    "outcome" TEXT,
    "ms" INTEGER,
    "first_token_ms" INTEGER,
    "reserved_at" TIMESTAMPTZ(3) NOT NULL,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,
    "settled_at" TIMESTAMPTZ(3),
    "approval_id" UUID,

    CONSTRAINT "ledger_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "budget" (
    "id" UUID NOT NULL,
    "scope" TEXT NOT NULL,
    "period" "budget_period" NOT NULL,
    "amount" BIGINT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "budget_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "budget_window" (
    "budget_id" UUID NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "spent" BIGINT NOT NULL,
    "reserved" BIGINT NOT NULL,

    CONSTRAINT "budget_window_pkey" PRIMARY KEY ("budget_id","starts_at")
);

-- CreateTable
CREATE TABLE "budget_grant" (
    "id" UUID NOT NULL,
    "budget_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "granted_by" TEXT NOT NULL,
    "granted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "budget_grant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "budget_alert" (
    "budget_id" UUID NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "threshold" INTEGER NOT NULL,
    "raised_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "claimed_at" TIMESTAMPTZ(3),
    "told_at" TIMESTAMPTZ(3),

    CONSTRAINT "budget_alert_pkey" PRIMARY KEY ("budget_id","starts_at","threshold")
);

-- CreateTable
CREATE TABLE "budget_seed" (
    "scope" TEXT NOT NULL,
    "period" "budget_period" NOT NULL,
    "amount" BIGINT NOT NULL,
    "time_zone" TEXT NOT NULL,

    CONSTRAINT "budget_seed_pkey" PRIMARY KEY ("scope","period")
);

-- CreateTable
CREATE TABLE "approval" (
    "id" UUID NOT NULL,
    "turn_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "budget_id" UUID NOT NULL,
    "scope" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "state" "approval_state" NOT NULL DEFAULT 'asked',
    "asked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "decided_by" TEXT,
    "decided_at" TIMESTAMPTZ(3),
    "used_by" UUID,

    CONSTRAINT "approval_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "turn_limit" (
    "scope" TEXT NOT NULL,
    "turn_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "running" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "turn_limit_pkey" PRIMARY KEY ("scope","turn_id")
);

-- CreateTable
CREATE TABLE "feedback" (
    "turn_id" UUID NOT NULL,
    "by" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "comment" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "feedback_pkey" PRIMARY KEY ("turn_id","by")
);

-- CreateTable
CREATE TABLE "setting" (
    "scope" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "change_id" UUID NOT NULL,

    CONSTRAINT "setting_pkey" PRIMARY KEY ("scope","name")
);

-- CreateTable
CREATE TABLE "audit" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "by" TEXT NOT NULL,
    "by_name" TEXT,
    "via" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "command_call" (
    "id" TEXT NOT NULL,
    "run" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "notice" JSONB,
    "person" TEXT,
    "conversation_key" TEXT,

    CONSTRAINT "command_call_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "turn_seq_key" ON "turn"("seq");

-- CreateIndex
CREATE INDEX "turn_conversation_key_seq_idx" ON "turn"("conversation_key", "seq");

-- CreateIndex
CREATE INDEX "turn_source_id_idx" ON "turn"("source_id");

-- CreateIndex
CREATE INDEX "turn_finished_at_idx" ON "turn"("finished_at");

-- CreateIndex
CREATE INDEX "inbound_turn_id_idx" ON "inbound"("turn_id");

-- CreateIndex
CREATE INDEX "turn_attachment_turn_id_idx" ON "turn_attachment"("turn_id");

-- CreateIndex
CREATE INDEX "blob_ref_owner_kind_owner_id_idx" ON "blob_ref"("owner_kind", "owner_id");

-- CreateIndex
CREATE INDEX "passage_terms_idx" ON "passage" USING GIN ("terms");

-- CreateIndex
CREATE INDEX "console_thread_updated_at_idx" ON "console_thread"("updated_at");

-- CreateIndex
CREATE INDEX "console_message_thread_id_seq_idx" ON "console_message"("thread_id", "seq");

-- CreateIndex
CREATE INDEX "platform_record_turn_id_idx" ON "platform_record"("turn_id");

-- CreateIndex
CREATE INDEX "platform_record_platform_person_idx" ON "platform_record"("platform", "person");

-- CreateIndex
CREATE INDEX "ledger_reserved_at_idx" ON "ledger"("reserved_at");

-- CreateIndex
CREATE INDEX "ledger_turn_id_idx" ON "ledger"("turn_id");

-- CreateIndex
CREATE INDEX "ledger_platform_workspace_id_channel_id_reserved_at_idx" ON "ledger"("platform", "workspace_id", "channel_id", "reserved_at");

-- CreateIndex
CREATE INDEX "ledger_platform_workspace_id_user_id_reserved_at_idx" ON "ledger"("platform", "workspace_id", "user_id", "reserved_at");

-- CreateIndex
CREATE INDEX "ledger_provider_model_reserved_at_idx" ON "ledger"("provider", "model", "reserved_at");

-- CreateIndex
CREATE UNIQUE INDEX "budget_scope_period_key" ON "budget"("scope", "period");

-- CreateIndex
CREATE INDEX "budget_grant_budget_id_granted_at_idx" ON "budget_grant"("budget_id", "granted_at");

-- CreateIndex
CREATE UNIQUE INDEX "approval_turn_id_key" ON "approval"("turn_id");

-- CreateIndex
CREATE INDEX "approval_source_id_idx" ON "approval"("source_id");

-- CreateIndex
CREATE INDEX "turn_limit_scope_at_idx" ON "turn_limit"("scope", "at");

-- CreateIndex
CREATE INDEX "audit_at_idx" ON "audit"("at");

-- CreateIndex
CREATE INDEX "audit_scope_at_idx" ON "audit"("scope", "at");

-- CreateIndex
CREATE INDEX "command_call_started_at_idx" ON "command_call"("started_at");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- AddForeignKey
ALTER TABLE "turn" ADD CONSTRAINT "turn_conversation_key_fkey" FOREIGN KEY ("conversation_key") REFERENCES "conversation"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "inbound" ADD CONSTRAINT "inbound_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn_attachment" ADD CONSTRAINT "turn_attachment_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "blob_ref" ADD CONSTRAINT "blob_ref_hash_fkey" FOREIGN KEY ("hash") REFERENCES "blob"("hash") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifact" ADD CONSTRAINT "artifact_content_hash_fkey" FOREIGN KEY ("content_hash") REFERENCES "blob"("hash") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "passage" ADD CONSTRAINT "passage_content_hash_fkey" FOREIGN KEY ("content_hash") REFERENCES "blob"("hash") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "reply_part" ADD CONSTRAINT "reply_part_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn_step" ADD CONSTRAINT "turn_step_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "console_message" ADD CONSTRAINT "console_message_thread_id_fkey" FOREIGN KEY ("thread_id") REFERENCES "console_thread"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "platform_record" ADD CONSTRAINT "platform_record_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "budget_window" ADD CONSTRAINT "budget_window_budget_id_fkey" FOREIGN KEY ("budget_id") REFERENCES "budget"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "budget_grant" ADD CONSTRAINT "budget_grant_budget_id_fkey" FOREIGN KEY ("budget_id") REFERENCES "budget"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "budget_alert" ADD CONSTRAINT "budget_alert_budget_id_fkey" FOREIGN KEY ("budget_id") REFERENCES "budget"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand
-- The sweep looks for reservations whose lease has run out: among the open ones only, however long the ledger is.
-- prisma-ignore: ledger_open_idx
create index ledger_open_idx on ledger (lease_until) where state = 'reserved';
