-- AlterTable
ALTER TABLE "turn" ADD COLUMN     "wish" JSONB;

-- CreateTable
CREATE TABLE "feedback" (
    "turn_id" UUID NOT NULL,
    "by" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "comment" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "feedback_pkey" PRIMARY KEY ("turn_id","by")
);

-- AddForeignKey
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;
