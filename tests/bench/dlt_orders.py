"""Loads the bulk source into PostgreSQL with dlt, tuned: pages fetched in parallel, large buffers,
CSV files (COPY), parallel normalisation and loading, no telemetry.
Prints orders per second of the pipeline's run, without the start of Python.
"""

import os
import sys
import time

os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "EXTRACT__WORKERS": "8",
        "EXTRACT__MAX_PARALLEL_ITEMS": "16",
        "EXTRACT__DATA_WRITER__BUFFER_MAX_ITEMS": "50000",
        "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": "50000",
        "NORMALIZE__WORKERS": "2",
        "NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS": "50000",
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "100000",
        "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
        "LOAD__WORKERS": "4",
        "SCHEMA__NAMING": "direct",
    }
)

import dlt  # noqa: E402
from dlt.sources.helpers import requests  # noqa: E402

PAGE = 1000


def main() -> None:
    base, database = sys.argv[1:3]
    session = requests.Client().session
    headers = {"x-api-key": "bulk"}

    def get(page: int) -> dict:
        answer = session.get(f"{base}/api/v1/orders", params={"per_page": PAGE, "page": page}, headers=headers)
        answer.raise_for_status()
        return answer.json()

    @dlt.resource(name="pages")
    def pages():
        total = get(1)["meta"]["total"]
        yield list(range(1, (total + PAGE - 1) // PAGE + 1))

    @dlt.transformer(data_from=pages, name="orders", write_disposition="append")
    def orders(numbers):
        @dlt.defer
        def one(number):
            return get(number)["items"]

        for number in numbers:
            yield one(number)

    pipeline = dlt.pipeline(
        "bench_orders", destination=dlt.destinations.postgres(credentials=database), dataset_name="flat"
    )
    begun = time.monotonic()
    pipeline.run(orders, loader_file_format="csv")
    seconds = time.monotonic() - begun
    with pipeline.sql_client() as client:
        with client.execute_query("SELECT COUNT(*) FROM orders") as cursor:
            count = cursor.fetchone()[0]
    print(f"orders {count} in {seconds:.2f} s")
    print(f"orders_per_second {count / seconds:.0f}")


# Normalisation runs in processes of its own, which import this file.
if __name__ == "__main__":
    main()
