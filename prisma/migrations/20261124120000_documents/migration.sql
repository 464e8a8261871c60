-- CreateTable
CREATE TABLE "documents" (
    "collection" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "owner" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "documents_pkey" PRIMARY KEY ("collection","id")
);

-- CreateIndex
CREATE INDEX "documents_collection_owner_idx" ON "documents"("collection", "owner");

-- CreateIndex
CREATE INDEX "documents_collection_created_at_id_idx" ON "documents"("collection", "created_at", "id");
