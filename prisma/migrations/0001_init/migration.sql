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

-- CreateEnum
CREATE TYPE "embedding_state" AS ENUM ('filling', 'active', 'old');

-- CreateEnum
CREATE TYPE "tool_call_state" AS ENUM ('planned', 'waiting', 'approved', 'denied', 'expired', 'running', 'done', 'unknown');

-- CreateTable
CREATE TABLE "conversation" (
    "key" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "thread_id" TEXT,
    "place_key" TEXT NOT NULL,
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
    "private" BOOLEAN NOT NULL DEFAULT false,
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
    "rests_on" TEXT[] DEFAULT ARRAY[]::TEXT[],
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
    "turn_id" UUID,
    "source_id" UUID,
    "posted" JSONB,
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
    "dispatches" INTEGER NOT NULL DEFAULT 1,
    "dispatched_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "gone_at" TIMESTAMPTZ(3),

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

-- By hand
-- Text and terms are kept apart from the rows: a search looks at many rows and reads the text of few.
alter table passage set (toast_tuple_target = 256);
alter table passage alter content_hash set storage plain, alter engine set storage plain;

-- CreateTable
CREATE TABLE "passage_total" (
    "content_hash" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "passages" INTEGER NOT NULL,
    "length" INTEGER NOT NULL,

    CONSTRAINT "passage_total_pkey" PRIMARY KEY ("content_hash","engine")
);

-- CreateTable
CREATE TABLE "embedding_model" (
    "id" SMALLSERIAL NOT NULL,
    "key" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "width" INTEGER NOT NULL,
    "state" "embedding_state" NOT NULL DEFAULT 'filling',
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "background_mean" DOUBLE PRECISION,
    "background_deviation" DOUBLE PRECISION,
    "background_size" INTEGER NOT NULL DEFAULT 0,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),

    CONSTRAINT "embedding_model_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "embedding" (
    "content_hash" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "model_id" SMALLINT NOT NULL,
    "vec" BYTEA NOT NULL,
    "sig" VARBIT NOT NULL,

    CONSTRAINT "embedding_pkey" PRIMARY KEY ("content_hash","engine","ordinal","model_id")
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
    "listed" BOOLEAN NOT NULL DEFAULT true,
    "owner_id" UUID,
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
    "owner_id" UUID,
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
    "owner_id" UUID,
    "scopes" TEXT[] DEFAULT ARRAY['ask']::TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "transcript_part" (
    "content_hash" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "part" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "transcript_part_pkey" PRIMARY KEY ("content_hash","engine","part")
);

-- CreateTable
CREATE TABLE "tool_call" (
    "id" UUID NOT NULL,
    "turn_id" UUID NOT NULL,
    "call_id" TEXT NOT NULL,
    "server" TEXT,
    "tool" TEXT NOT NULL,
    "arguments" TEXT,
    "args_hash" TEXT NOT NULL,
    "definition_hash" TEXT NOT NULL,
    "state" "tool_call_state" NOT NULL DEFAULT 'planned',
    "approvers" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "decided_by" TEXT,
    "decided_at" TIMESTAMPTZ(3),
    "run" UUID,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "result" JSONB,

    CONSTRAINT "tool_call_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tool_server" (
    "name" TEXT NOT NULL,
    "server" JSONB NOT NULL,
    "added_by" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tool_server_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "tool_definition" (
    "server" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "definition" JSONB NOT NULL,
    "listed" BOOLEAN NOT NULL DEFAULT true,
    "listed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "approved_hash" TEXT,
    "approved_definition" JSONB,
    "reads" BOOLEAN NOT NULL DEFAULT false,
    "approved_by" TEXT,
    "approved_at" TIMESTAMPTZ(3),

    CONSTRAINT "tool_definition_pkey" PRIMARY KEY ("server","name")
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
CREATE INDEX "turn_rests_on_idx" ON "turn" USING GIN ("rests_on");

-- CreateIndex
CREATE INDEX "inbound_turn_id_idx" ON "inbound"("turn_id");

-- CreateIndex
CREATE INDEX "turn_attachment_turn_id_idx" ON "turn_attachment"("turn_id");

-- Files of a message that people delete or edit.
-- prisma-ignore: turn_attachment_message_idx
CREATE INDEX "turn_attachment_message_idx" ON "turn_attachment" (("attachment" ->> 'messageId')) WHERE "attachment" ->> 'messageId' IS NOT NULL;

-- CreateIndex
CREATE INDEX "blob_ref_owner_kind_owner_id_idx" ON "blob_ref"("owner_kind", "owner_id");

-- CreateIndex
CREATE INDEX "passage_terms_idx" ON "passage" USING GIN ("terms");

-- A search compares the signs of all vectors in view: read from here, without their rows.
-- prisma-ignore: embedding_sig_idx
CREATE INDEX "embedding_sig_idx" ON "embedding"("content_hash", "engine", "model_id", "ordinal") INCLUDE ("sig");

-- CreateIndex
CREATE UNIQUE INDEX "embedding_model_key_key" ON "embedding_model"("key");

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

-- CreateIndex
CREATE INDEX "api_key_owner_id_idx" ON "api_key"("owner_id");

-- CreateIndex
CREATE UNIQUE INDEX "tool_call_turn_id_tool_args_hash_key" ON "tool_call"("turn_id", "tool", "args_hash");

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
ALTER TABLE "passage_total" ADD CONSTRAINT "passage_total_content_hash_fkey" FOREIGN KEY ("content_hash") REFERENCES "blob"("hash") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "embedding" ADD CONSTRAINT "embedding_content_hash_engine_ordinal_fkey" FOREIGN KEY ("content_hash", "engine", "ordinal") REFERENCES "passage"("content_hash", "engine", "ordinal") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "embedding" ADD CONSTRAINT "embedding_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "embedding_model"("id") ON DELETE CASCADE ON UPDATE CASCADE;

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

-- AddForeignKey
ALTER TABLE "transcript_part" ADD CONSTRAINT "transcript_part_content_hash_fkey" FOREIGN KEY ("content_hash") REFERENCES "blob"("hash") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand
-- The sweep looks for reservations whose lease has run out: among the open ones only, however long the ledger is.
-- prisma-ignore: ledger_open_idx
create index ledger_open_idx on ledger (lease_until) where state = 'reserved';

-- CreateEnum
CREATE TYPE "person_role" AS ENUM ('admin', 'viewer', 'member', 'guest');

-- CreateEnum
CREATE TYPE "invitation_kind" AS ENUM ('set_up', 'invite');

-- CreateEnum
CREATE TYPE "team_role" AS ENUM ('manager', 'member', 'viewer');

-- CreateTable
CREATE TABLE "person" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "vouched_email" TEXT,
    "role" "person_role" NOT NULL DEFAULT 'member',
    "time_zone" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "disabled_at" TIMESTAMPTZ(3),
    "signed_in_at" TIMESTAMPTZ(3),

    CONSTRAINT "person_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "identity" (
    "provider" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "person_id" UUID NOT NULL,
    "name" TEXT,
    "email" TEXT,
    "linked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "signed_in_at" TIMESTAMPTZ(3),

    CONSTRAINT "identity_pkey" PRIMARY KEY ("provider","issuer","subject")
);

-- CreateTable
CREATE TABLE "password" (
    "person_id" UUID NOT NULL,
    "login" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "password_pkey" PRIMARY KEY ("person_id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" UUID NOT NULL,
    "hash" TEXT NOT NULL,
    "person_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "user_agent" TEXT NOT NULL,
    "address" TEXT NOT NULL,

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invitation" (
    "id" UUID NOT NULL,
    "hash" TEXT NOT NULL,
    "kind" "invitation_kind" NOT NULL,
    "role" "person_role" NOT NULL,
    "team_id" UUID,
    "team_role" "team_role",
    "person_id" UUID,
    "email" TEXT,
    "name" TEXT,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "used_by" UUID,

    CONSTRAINT "invitation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sign_in_flow" (
    "hash" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "purpose" JSONB NOT NULL,
    "checks" JSONB NOT NULL,
    "return_to" TEXT NOT NULL,
    "taken_by" UUID,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sign_in_flow_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "sign_in_claims" (
    "provider" TEXT NOT NULL,
    "names" TEXT[],
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sign_in_claims_pkey" PRIMARY KEY ("provider")
);

-- CreateTable
CREATE TABLE "link_code" (
    "hash" TEXT NOT NULL,
    "person_id" UUID NOT NULL,
    "session_id" UUID NOT NULL,
    "account" JSONB,
    "agreed_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "link_code_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "installation" (
    "one" BOOLEAN NOT NULL DEFAULT true,
    "set_up_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "person_id" UUID NOT NULL,

    CONSTRAINT "installation_pkey" PRIMARY KEY ("one")
);

-- CreateTable
CREATE TABLE "sign_in_attempt" (
    "key" TEXT NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sign_in_attempt_pkey" PRIMARY KEY ("key","at")
);

-- CreateTable
CREATE TABLE "team" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "team_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "team_member" (
    "team_id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "role" "team_role" NOT NULL DEFAULT 'member',
    "claimed" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "team_member_pkey" PRIMARY KEY ("team_id","person_id")
);

-- CreateTable
CREATE TABLE "team_place" (
    "scope" TEXT NOT NULL,
    "team_id" UUID NOT NULL,

    CONSTRAINT "team_place_pkey" PRIMARY KEY ("scope")
);

-- CreateIndex
CREATE INDEX "person_vouched_email_idx" ON "person"("vouched_email");

-- CreateIndex
CREATE INDEX "identity_person_id_idx" ON "identity"("person_id");

-- CreateIndex
CREATE UNIQUE INDEX "password_login_key" ON "password"("login");

-- CreateIndex
CREATE UNIQUE INDEX "session_hash_key" ON "session"("hash");

-- CreateIndex
CREATE INDEX "session_person_id_idx" ON "session"("person_id");

-- CreateIndex
CREATE INDEX "session_ends_at_idx" ON "session"("ends_at");

-- CreateIndex
CREATE UNIQUE INDEX "invitation_hash_key" ON "invitation"("hash");

-- CreateIndex
CREATE INDEX "invitation_expires_at_idx" ON "invitation"("expires_at");

-- CreateIndex
CREATE INDEX "sign_in_flow_expires_at_idx" ON "sign_in_flow"("expires_at");

-- CreateIndex
CREATE INDEX "link_code_person_id_idx" ON "link_code"("person_id");

-- CreateIndex
CREATE INDEX "link_code_session_id_idx" ON "link_code"("session_id");

-- CreateIndex
CREATE INDEX "link_code_expires_at_idx" ON "link_code"("expires_at");

-- CreateIndex
CREATE INDEX "sign_in_attempt_at_idx" ON "sign_in_attempt"("at");

-- CreateIndex
CREATE UNIQUE INDEX "team_name_key" ON "team"("name");

-- CreateIndex
CREATE INDEX "team_member_person_id_idx" ON "team_member"("person_id");

-- CreateIndex
CREATE INDEX "team_place_team_id_idx" ON "team_place"("team_id");

-- CreateIndex
CREATE INDEX "console_thread_owner_id_updated_at_idx" ON "console_thread"("owner_id", "updated_at");

-- CreateIndex
CREATE INDEX "console_upload_content_hash_idx" ON "console_upload"("content_hash");

-- AddForeignKey
ALTER TABLE "console_thread" ADD CONSTRAINT "console_thread_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "console_upload" ADD CONSTRAINT "console_upload_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "identity" ADD CONSTRAINT "identity_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "password" ADD CONSTRAINT "password_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invitation" ADD CONSTRAINT "invitation_team_id_fkey" FOREIGN KEY ("team_id") REFERENCES "team"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "link_code" ADD CONSTRAINT "link_code_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "link_code" ADD CONSTRAINT "link_code_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "team_member" ADD CONSTRAINT "team_member_team_id_fkey" FOREIGN KEY ("team_id") REFERENCES "team"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "team_member" ADD CONSTRAINT "team_member_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "person"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "team_place" ADD CONSTRAINT "team_place_team_id_fkey" FOREIGN KEY ("team_id") REFERENCES "team"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateTable
CREATE TABLE "web_page" (
    "id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "site" TEXT,
    "published" TEXT,
    "fresh_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "web_page_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "turn_page" (
    "turn_id" UUID NOT NULL,
    "page_id" TEXT NOT NULL,

    CONSTRAINT "turn_page_pkey" PRIMARY KEY ("turn_id","page_id")
);

-- CreateTable
CREATE TABLE "web_result" (
    "key" TEXT NOT NULL,
    "hits" JSONB NOT NULL,
    "fresh_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "web_result_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "web_page_url_idx" ON "web_page"("url");

-- CreateIndex
CREATE INDEX "web_page_content_hash_idx" ON "web_page"("content_hash");

-- CreateIndex
CREATE INDEX "web_page_fresh_until_idx" ON "web_page"("fresh_until");

-- CreateIndex
CREATE INDEX "turn_page_page_id_idx" ON "turn_page"("page_id");

-- CreateIndex
CREATE INDEX "web_result_fresh_until_idx" ON "web_result"("fresh_until");

-- AddForeignKey
ALTER TABLE "turn_page" ADD CONSTRAINT "turn_page_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn_page" ADD CONSTRAINT "turn_page_page_id_fkey" FOREIGN KEY ("page_id") REFERENCES "web_page"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateEnum
CREATE TYPE "place_kind" AS ENUM ('direct', 'group', 'private', 'public', 'external', 'collection');

-- CreateEnum
CREATE TYPE "learned_kind" AS ENUM ('file', 'upload', 'link', 'site', 'pins', 'watch');

-- CreateEnum
CREATE TYPE "learned_state" AS ENUM ('waiting', 'reading', 'read', 'failed');

-- CreateTable
CREATE TABLE "place" (
    "key" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "thread_id" TEXT,
    "kind" "place_kind" NOT NULL,
    "name" TEXT,
    "outsiders" BOOLEAN,
    "groups" TEXT[],
    "checked_at" TIMESTAMPTZ(3),
    "members_at" TIMESTAMPTZ(3),
    "complete" BOOLEAN NOT NULL DEFAULT false,
    "changed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "place_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "place_member" (
    "place_key" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "reads" BOOLEAN NOT NULL,
    "checked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "place_member_pkey" PRIMARY KEY ("place_key","account")
);

-- CreateTable
CREATE TABLE "account_change" (
    "platform" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_change_pkey" PRIMARY KEY ("platform","workspace_id","account")
);

-- CreateTable
CREATE TABLE "share" (
    "id" TEXT NOT NULL,
    "place_key" TEXT NOT NULL,
    "conversation_key" TEXT,
    "attachment_id" TEXT,
    "content_hash" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "shared_by" TEXT,
    "link" TEXT,
    "shared_at" TIMESTAMPTZ(3) NOT NULL,
    "source_id" UUID,
    "checked_at" TIMESTAMPTZ(3),

    CONSTRAINT "share_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "collection" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "place_key" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "collection_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "collection_grant" (
    "collection_id" UUID NOT NULL,
    "scope" TEXT NOT NULL,

    CONSTRAINT "collection_grant_pkey" PRIMARY KEY ("collection_id","scope")
);

-- CreateTable
CREATE TABLE "learned_source" (
    "id" UUID NOT NULL,
    "place_key" TEXT NOT NULL,
    "kind" "learned_kind" NOT NULL,
    "key" TEXT NOT NULL,
    "locator" JSONB NOT NULL DEFAULT '{}',
    "title" TEXT NOT NULL,
    "origin_id" TEXT,
    "added_by" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "spender" JSONB NOT NULL,
    "refresh_hours" INTEGER,
    "state" "learned_state" NOT NULL DEFAULT 'waiting',
    "progress" TEXT,
    "problems" JSONB NOT NULL DEFAULT '[]',
    "begun_at" TIMESTAMPTZ(3),
    "tried_at" TIMESTAMPTZ(3),
    "refreshed_at" TIMESTAMPTZ(3),
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "broken_off" INTEGER NOT NULL DEFAULT 0,
    "broken_off_alone" INTEGER NOT NULL DEFAULT 0,
    "alone" BOOLEAN NOT NULL DEFAULT false,
    "dispatches" INTEGER NOT NULL DEFAULT 1,
    "dispatched_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "learned_source_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "place_platform_workspace_id_idx" ON "place"("platform", "workspace_id");

-- CreateIndex
CREATE INDEX "place_member_account_idx" ON "place_member"("account");

-- CreateIndex
CREATE UNIQUE INDEX "share_attachment_id_key" ON "share"("attachment_id");

-- CreateIndex
CREATE INDEX "share_source_id_idx" ON "share"("source_id");

-- CreateIndex
CREATE INDEX "share_place_key_shared_at_idx" ON "share"("place_key", "shared_at");

-- CreateIndex
CREATE INDEX "share_conversation_key_idx" ON "share"("conversation_key");

-- CreateIndex
CREATE INDEX "share_content_hash_idx" ON "share"("content_hash");

-- CreateIndex
CREATE UNIQUE INDEX "collection_place_key_key" ON "collection"("place_key");

-- CreateIndex
CREATE INDEX "collection_grant_scope_idx" ON "collection_grant"("scope");

-- CreateIndex
CREATE INDEX "learned_source_origin_id_idx" ON "learned_source"("origin_id");

-- CreateIndex
CREATE UNIQUE INDEX "learned_source_place_key_kind_key_key" ON "learned_source"("place_key", "kind", "key");

-- CreateIndex
CREATE INDEX "turn_attachment_source_id_idx" ON "turn_attachment"("source_id");

-- A file without a turn is found by the message that it was posted with, and any file by its id on the platform.
-- prisma-ignore: turn_attachment_posted_idx
CREATE INDEX "turn_attachment_posted_idx" ON "turn_attachment"((posted ->> 'messageId')) WHERE turn_id IS NULL;
-- prisma-ignore: turn_attachment_file_idx
CREATE INDEX "turn_attachment_file_idx" ON "turn_attachment"((attachment ->> 'id'));

ALTER TABLE "turn_attachment" ADD CONSTRAINT "turn_attachment_one_owner" CHECK ((turn_id IS NULL) <> (source_id IS NULL));

-- AddForeignKey
ALTER TABLE "place_member" ADD CONSTRAINT "place_member_place_key_fkey" FOREIGN KEY ("place_key") REFERENCES "place"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "share" ADD CONSTRAINT "share_place_key_fkey" FOREIGN KEY ("place_key") REFERENCES "place"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "share" ADD CONSTRAINT "share_attachment_id_fkey" FOREIGN KEY ("attachment_id") REFERENCES "turn_attachment"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "share" ADD CONSTRAINT "share_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "learned_source"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "collection" ADD CONSTRAINT "collection_place_key_fkey" FOREIGN KEY ("place_key") REFERENCES "place"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "collection_grant" ADD CONSTRAINT "collection_grant_collection_id_fkey" FOREIGN KEY ("collection_id") REFERENCES "collection"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn_attachment" ADD CONSTRAINT "turn_attachment_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "learned_source"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "learned_source" ADD CONSTRAINT "learned_source_place_key_fkey" FOREIGN KEY ("place_key") REFERENCES "place"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "learned_source" ADD CONSTRAINT "learned_source_origin_id_fkey" FOREIGN KEY ("origin_id") REFERENCES "share"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Vectors of whole numbers look like noise: packing them costs time and gains nothing.
alter table embedding alter column vec set storage external;

-- Programs outside that are told of events.
-- CreateEnum
CREATE TYPE "webhook_state" AS ENUM ('active', 'disabled');

-- CreateEnum
CREATE TYPE "webhook_delivery_state" AS ENUM ('waiting', 'done', 'failed');

-- CreateTable
CREATE TABLE "webhook" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "events" TEXT[],
    "scope" TEXT NOT NULL,
    "with_text" BOOLEAN NOT NULL,
    "secret" TEXT NOT NULL,
    "old_secret" TEXT,
    "old_secret_until" TIMESTAMPTZ(3),
    "state" "webhook_state" NOT NULL DEFAULT 'active',
    "reason" TEXT,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "retry_at" TIMESTAMPTZ(3),
    "problem" TEXT,
    "alerted_at" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_delivery" (
    "id" BIGSERIAL NOT NULL,
    "webhook_id" UUID NOT NULL,
    "event_id" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "turn_id" UUID,
    "data" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "state" "webhook_delivery_state" NOT NULL DEFAULT 'waiting',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lease_until" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "status" INTEGER,
    "problem" TEXT,
    "ms" INTEGER,

    CONSTRAINT "webhook_delivery_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "webhook_name_key" ON "webhook"("name");

-- CreateIndex
CREATE INDEX "webhook_delivery_webhook_id_state_next_at_idx" ON "webhook_delivery"("webhook_id", "state", "next_at");

-- CreateIndex
CREATE INDEX "webhook_delivery_turn_id_idx" ON "webhook_delivery"("turn_id");

-- CreateIndex
CREATE INDEX "webhook_delivery_scope_idx" ON "webhook_delivery"("scope");

-- CreateIndex
CREATE INDEX "webhook_delivery_created_at_idx" ON "webhook_delivery"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "webhook_delivery_webhook_id_event_id_key" ON "webhook_delivery"("webhook_id", "event_id");

-- AddForeignKey
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_webhook_id_fkey" FOREIGN KEY ("webhook_id") REFERENCES "webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tool_call" ADD CONSTRAINT "tool_call_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;
