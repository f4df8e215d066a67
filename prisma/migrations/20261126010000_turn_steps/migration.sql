-- CreateTable
CREATE TABLE "turn_step" (
    "turn_id" UUID NOT NULL,
    "n" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "result" JSONB NOT NULL,

    CONSTRAINT "turn_step_pkey" PRIMARY KEY ("turn_id","n")
);

-- AddForeignKey
ALTER TABLE "turn_step" ADD CONSTRAINT "turn_step_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;
