"""Every setting but the schedule. The schema is these models; `config/default.yaml` gives each value and comment."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

TWS_MESSAGES_PER_SECOND = 50
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Unknown keys are refused; nothing is silently converted (YAML's `no` must not become a string)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LineBudget(Section):
    """Market data lines this host may hold at once, by purpose. TWS's own windows need some of its 100 too."""

    options: Annotated[int, Field(ge=1, le=1000)]
    futures: Annotated[int, Field(ge=1, le=1000)]
    checks: Annotated[int, Field(ge=1, le=1000)]


class Ibkr(Section):
    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    library: Literal["auto", "ib_insync", "ib_async"]
    simulator: bool
    connect_timeout_seconds: Seconds
    request_timeout_seconds: Seconds
    quote_timeout_seconds: Seconds
    greeks_wait_seconds: Seconds
    messages_per_second: Annotated[float, Field(gt=0)]
    market_data_lines: LineBudget
    persistent_connection: Literal[False]
    force_disconnect: Literal[True]
    first_client_id: Annotated[int, Field(ge=1, le=999)]
    last_client_id: Annotated[int, Field(ge=1, le=999)]

    @field_validator("messages_per_second")
    @classmethod
    def _tws_is_not_flooded(cls, value: float, info: ValidationInfo) -> float:
        if value > TWS_MESSAGES_PER_SECOND and not info.data.get("simulator"):
            raise ValueError(
                f"{value:g} is wrong, TWS disconnects above {TWS_MESSAGES_PER_SECOND}, "
                f"allowed: up to {TWS_MESSAGES_PER_SECOND}"
            )
        return value


class Universe(Section):
    symbols: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    min_dte: Annotated[int, Field(ge=0)]
    max_dte: Annotated[int, Field(ge=1)]
    strike_band: Annotated[float, Field(gt=0, lt=1)]
    max_contracts: Annotated[int, Field(ge=1)]
    min_expiries: Annotated[int, Field(ge=1)]
    max_expiries: Annotated[int, Field(ge=1)]
    far_expiry_dte: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _room_for_expiries(self) -> Self:
        if self.max_expiries < self.min_expiries:
            raise ValueError(f"max_expiries {self.max_expiries} is less than min_expiries {self.min_expiries}")
        if self.max_dte <= self.min_dte:
            raise ValueError(f"max_dte {self.max_dte} leaves nothing beyond min_dte {self.min_dte}")
        return self


class Futures(Section):
    symbols: dict[str, str]  # symbol -> exchange


class Lake(Section):
    root: str
    storage_options: dict[str, str]


class Health(Section):
    min_free_disk_percent: Annotated[float, Field(gt=0, lt=100)]
    min_calendar_days: Annotated[int, Field(ge=1)]
    min_complete_percent: Annotated[float, Field(gt=0, le=100)]
    max_clock_skew_seconds: Seconds
    check_symbol: str


class Settings(Section):
    """The effective settings of one process."""

    ibkr: Ibkr
    universe: Universe
    futures: Futures
    lake: Lake
    health: Health
