-- AlterTable
ALTER TABLE "console_message" ADD COLUMN     "buttons" JSONB NOT NULL DEFAULT '[]';
