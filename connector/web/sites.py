"""Each tenant's site, out of the installation that is open just now."""

from __future__ import annotations

from collections.abc import Callable

from connector.core.errors import Failure
from connector.core.policy import Confirm
from connector.web.public import Site, Sites
from connector.wiring import Installation


def sites(house: Callable[[], Installation]) -> Sites:
    """Finds a tenant's site; None for a tenant that is not there or not well configured."""

    def site(tenant: str) -> Site | None:
        try:
            form = house().form(tenant)
            return Site(
                tenant=tenant,
                brand=form.brand,
                title=form.title,
                intro=form.intro,
                lists=tuple(form.lists),
                platform=house().platform(tenant),
                signer=house().signer,
                confirms=house().policy(tenant).confirm is not Confirm.AFTER,
            )
        except Failure:
            return None

    return site
