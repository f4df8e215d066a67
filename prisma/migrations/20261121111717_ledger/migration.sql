-- CreateEnum
CREATE TYPE "ledger_state" AS ENUM ('reserved', 'settled', 'released', 'expired');

-- CreateEnum
CREATE TYPE "budget_period" AS ENUM ('day', 'week', 'month');

-- CreateEnum
CREATE TYPE "approval_state" AS ENUM ('asked', 'approved', 'declined', 'used');

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

-- AddForeignKey
ALTER TABLE "budget_window" ADD CONSTRAINT "budget_window_budget_id_fkey" FOREIGN KEY ("budget_id") REFERENCES "budget"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "budget_grant" ADD CONSTRAINT "budget_grant_budget_id_fkey" FOREIGN KEY ("budget_id") REFERENCES "budget"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "budget_alert" ADD CONSTRAINT "budget_alert_budget_id_fkey" FOREIGN KEY ("budget_id") REFERENCES "budget"("id") ON DELETE CASCADE ON UPDATE CASCADE;
