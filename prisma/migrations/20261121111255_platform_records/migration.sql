-- CreateTable
CREATE TABLE "platform_record" (
    "platform" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "value" JSONB,
    "sealed" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "platform_record_pkey" PRIMARY KEY ("platform","key")
);

-- CreateTable
CREATE UNLOGGED TABLE "platform_quota" (
    "key" TEXT NOT NULL,
    "free_at" TIMESTAMPTZ(6) NOT NULL,
    "place" TIMESTAMPTZ(6) NOT NULL,
    "held_until" TIMESTAMPTZ(6),

    CONSTRAINT "platform_quota_pkey" PRIMARY KEY ("key")
);
