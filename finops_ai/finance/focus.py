"""A month's charges as rows of FOCUS: columns and how each follows from a charge.

Belongs here: the mapping, as SQL of DuckDB over the tables `charge`, `sku` and `approved`. Does not: making
them (`charges`, `export`), writing a file (`export`). Mapping a million rows in Python took longer than all the rest.

The rows have every mandatory column of FOCUS 1.2 and of 1.4, the recommended ones, and those conditional ones whose condition
holds here. ProviderName and PublisherName are in 1.2 only. Columns that do not apply are there and empty.

Cost is quantity times unit price, exactly, in every Usage row. Entries are rounded to whole nano-USD, each call and meter by
itself, and hours are no finite decimals of seconds; so the rows of a day differ from the books by fractions of a nano-USD per
entry. The difference is a row of its own (ChargeCategory Adjustment), where it is not 0, per artifact, day, kind and provider:
with it, the sums by artifact, cost centre, workload, provider and day are those of the ledger to the nano-USD.
"""

from dataclasses import dataclass

QUANTITY_DECIMALS = 15  # of hours; tokens need 6
PRICE_DECIMALS = 9
COST_DECIMALS = QUANTITY_DECIMALS + PRICE_DECIMALS
CONSUMED_DECIMALS = 6
ACCOUNT_TYPE = "Ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs the ledger: the billing account, and the provider of what nobody outside is paid for."""

    id: str = "finops-ai"
    name: str = "FinOps AI"


# kind -> category, subcategory, name
SERVICES = {
    "call": ("AI and Machine Learning", "Generative AI", "Model API"),
    "compute": ("Compute", "Other (Compute)", "Workflow Compute"),
    "review": ("Other", "Other (Other)", "Human Review"),
    "retrieval": ("Networking", "Other (Networking)", "Source Retrieval"),
}

# PricingCategory is Standard at every service level: batch, flex and priority are list prices that were agreed before, which is
# what Standard means; Dynamic is a price that the provider may move, Committed needs a commitment. The level is part of SkuPriceId
# and of SkuPriceDetails; SkuId is the same at each, as FOCUS wants it.
_COMMON = {
    "BillingAccountId": "$account_id",
    "BillingAccountName": "$account_name",
    "BillingAccountType": f"'{ACCOUNT_TYPE}'",
    "BillingCurrency": "'USD'",
    "PricingCurrency": "'USD'",
    "BillingPeriodStart": "$period_start",
    "BillingPeriodEnd": "$period_end",
    "ChargePeriodStart": "day || 'T00:00:00Z'",
    "ChargePeriodEnd": "(day::DATE + 1)::VARCHAR || 'T00:00:00Z'",
    "ChargeClass": "CASE WHEN corrects = 1 THEN 'Correction' END",
    "InvoiceIssuerName": "provider_name",
    "ProviderName": "provider_name",
    "PublisherName": "provider_name",
    "ServiceProviderName": "provider_name",
    "HostProviderName": "provider_name",
    "ServiceCategory": "service_category",
    "ServiceSubcategory": "service_subcategory",
    "ServiceName": "service_name",
    "SubAccountId": "cost_centre",
    "SubAccountName": "cost_centre",
    "SubAccountType": "'Cost Centre'",
    "ResourceId": "artifact",
    "ResourceName": "artifact",
    "ResourceType": "'AI Artifact'",
    "x_Artifact": "artifact",
    "x_Workload": "workload",
    "x_Kind": "kind",
    "x_Approved": "approved",
}
_TEXT, _NUMBER = "NULL::VARCHAR", f"NULL::DECIMAL(38, {CONSUMED_DECIMALS})"
_EMPTY = {
    "AllocatedMethodDetails": _TEXT,
    "AvailabilityZone": _TEXT,
    "CapacityReservationId": _TEXT,
    "CapacityReservationStatus": _TEXT,
    "CommitmentDiscountCategory": _TEXT,
    "CommitmentDiscountId": _TEXT,
    "CommitmentDiscountName": _TEXT,
    "CommitmentDiscountQuantity": _NUMBER,
    "CommitmentDiscountStatus": _TEXT,
    "CommitmentDiscountType": _TEXT,
    "CommitmentDiscountUnit": _TEXT,
    "InvoiceId": _TEXT,
    "RegionId": _TEXT,
    "RegionName": _TEXT,
}
# column -> (in a Usage row, in a rounding row)
_OWN = {
    "ChargeCategory": ("'Usage'", "'Adjustment'"),
    "ChargeFrequency": ("'Usage-Based'", "'One-Time'"),
    "ChargeDescription": (
        "sku_meter || CASE WHEN model = '' THEN '' ELSE ' of ' || model END || ', ' || step || ' of ' || artifact || "
        "', loop ' || loop",
        "'Rounding of entries to whole nano-USD'",
    ),
    "BilledCost": ("cost", "difference"),
    "EffectiveCost": ("cost", "difference"),
    "ListCost": ("cost", "difference"),
    "ContractedCost": ("cost", "difference"),
    "PricingCurrencyEffectiveCost": ("cost", "difference"),
    "ConsumedQuantity": ("consumed_quantity", "NULL"),
    "ConsumedUnit": ("consumed_unit", "NULL"),
    "PricingQuantity": ("pricing_quantity", "NULL"),
    "PricingUnit": ("pricing_unit", "NULL"),
    "ListUnitPrice": ("unit_price", "NULL"),
    "ContractedUnitPrice": ("unit_price", "NULL"),
    "PricingCurrencyListUnitPrice": ("unit_price", "NULL"),
    "PricingCurrencyContractedUnitPrice": ("unit_price", "NULL"),
    "PricingCategory": ("'Standard'", "NULL"),
    "SkuId": ("sku_id", "NULL"),
    "SkuPriceId": ("sku_id || '/' || level || '/' || unit_price", "NULL"),
    "SkuMeter": ("sku_meter", "NULL"),
    "SkuPriceDetails": ("json_object('x_ServiceLevel', level)::VARCHAR", "NULL"),
    "Tags": (
        "json_object('artifact', artifact, 'step', step, 'loop', loop::VARCHAR, 'tier', tier, 'workload', workload, "
        "'kind', kind, 'approved', approved::VARCHAR)::VARCHAR",
        "json_object('artifact', artifact, 'workload', workload, 'kind', kind, 'approved', approved::VARCHAR)::VARCHAR",
    ),
    "x_Step": ("step", "NULL"),
    "x_Loop": ("loop", "NULL"),
    "x_Tier": ("nullif(tier, '')", "NULL"),
    "x_Model": ("nullif(model, '')", "NULL"),
    "x_ServiceLevel": ("level", "NULL"),
    "x_PriceSource": ("price_source", "NULL"),
    "x_PriceVersion": ("price_version", "NULL"),
    "x_LedgerEntries": ("entries", "NULL"),
    "x_FirstLedgerEntryId": ("first_entry", "NULL"),
}
COLUMNS = tuple(sorted({**_COMMON, **_EMPTY, **_OWN}, key=lambda name: (name.startswith("x_"), name)))

_ROUNDED_TOGETHER = (
    "artifact, day, cost_centre, workload, kind, provider_name, service_category, service_subcategory, service_name, corrects, "
    "approved"
)


def _constant(decimals: int) -> str:
    """10 to the power of minus so many, as a decimal: DuckDB's division leaves decimals for floats, its product does not."""
    return f"'0.{'1'.zfill(decimals)}'::DECIMAL({decimals + 1}, {decimals})"


def _select(kind: int) -> str:
    """The row's columns; `kind` 0: Usage, 1: rounding."""
    found = {**_COMMON, **_EMPTY, **{name: own[kind] for name, own in _OWN.items()}}
    return ", ".join(f'{found[name]} AS "{name}"' for name in COLUMNS)


# of a charge that was booked before rates were kept: its amount says it, rounded
_RATE = "(2 * abs(amount_nano_usd::HUGEINT) * per_priced + abs(quantity)) // (2 * abs(quantity))"
WITHOUT_PRICE = "SELECT first_entry FROM charge JOIN sku USING (service) WHERE rate_nano_usd IS NULL AND quantity = 0"

# HUGEINT and DECIMAL(38, …) overflow with an error, never silently. `//` cuts off what is finer than QUANTITY_DECIMALS.
_PRICED = f"""
    SELECT charge.*, sku.* EXCLUDE (service), artifact IN (SELECT artifact FROM approved) AS approved,
        (quantity::HUGEINT * 10^{QUANTITY_DECIMALS}::HUGEINT // per_priced)::DECIMAL(38, 0)
            * {_constant(QUANTITY_DECIMALS)} AS pricing_quantity,
        (quantity::HUGEINT * 10^{CONSUMED_DECIMALS}::HUGEINT // per_consumed)::DECIMAL(38, 0)
            * {_constant(CONSUMED_DECIMALS)} AS consumed_quantity,
        coalesce(rate_nano_usd, {_RATE})::DECIMAL(38, 0) * {_constant(PRICE_DECIMALS)} AS unit_price,
        amount_nano_usd::DECIMAL(38, 0) * {_constant(PRICE_DECIMALS)} AS amount,
        pricing_quantity * unit_price AS cost
    FROM charge JOIN sku USING (service)
"""  # noqa: S608 - made of the constants above

ROWS = f"""
    WITH priced AS NOT MATERIALIZED ({_PRICED})
    SELECT {_select(0)} FROM priced WHERE quantity <> 0
    UNION ALL
    SELECT {_select(1)} FROM (
        SELECT {_ROUNDED_TOGETHER}, sum(amount - cost) AS difference
        FROM priced WHERE amount <> cost GROUP BY {_ROUNDED_TOGETHER} HAVING difference <> 0
        ORDER BY min(first_entry)
    )
"""  # noqa: S608 - made of the constants above
