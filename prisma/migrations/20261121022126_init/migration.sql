-- CreateEnum
CREATE TYPE "turn_state" AS ENUM ('queued', 'answering', 'done', 'stopped', 'failed');

-- CreateEnum
CREATE TYPE "attachment_state" AS ENUM ('waiting', 'reading', 'read', 'failed');

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
    "dispatches" INTEGER NOT NULL DEFAULT 1,
    "dispatched_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "stop_requested_at" TIMESTAMPTZ(3),
    "superseded_by" UUID,
    "outcome" JSONB,
    "answer" TEXT,
    "receipt" JSONB,

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
    "content_hash" TEXT,
    "engine" TEXT,
    "receipt" JSONB,

    CONSTRAINT "turn_attachment_pkey" PRIMARY KEY ("id")
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
    "posted_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "reply_part_pkey" PRIMARY KEY ("turn_id","ordinal")
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

-- CreateIndex
CREATE UNIQUE INDEX "turn_seq_key" ON "turn"("seq");

-- CreateIndex
CREATE INDEX "turn_conversation_key_seq_idx" ON "turn"("conversation_key", "seq");

-- CreateIndex
CREATE INDEX "turn_source_id_idx" ON "turn"("source_id");

-- CreateIndex
CREATE INDEX "inbound_turn_id_idx" ON "inbound"("turn_id");

-- CreateIndex
CREATE INDEX "turn_attachment_turn_id_idx" ON "turn_attachment"("turn_id");

-- CreateIndex
CREATE INDEX "passage_terms_idx" ON "passage" USING GIN ("terms");

-- CreateIndex
CREATE INDEX "console_thread_updated_at_idx" ON "console_thread"("updated_at");

-- CreateIndex
CREATE INDEX "console_message_thread_id_seq_idx" ON "console_message"("thread_id", "seq");

-- AddForeignKey
ALTER TABLE "turn" ADD CONSTRAINT "turn_conversation_key_fkey" FOREIGN KEY ("conversation_key") REFERENCES "conversation"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "inbound" ADD CONSTRAINT "inbound_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn_attachment" ADD CONSTRAINT "turn_attachment_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "reply_part" ADD CONSTRAINT "reply_part_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "console_message" ADD CONSTRAINT "console_message_thread_id_fkey" FOREIGN KEY ("thread_id") REFERENCES "console_thread"("id") ON DELETE CASCADE ON UPDATE CASCADE;
